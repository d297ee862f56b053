//! Shows files of the packed library: `cargo run -p cinder-stdlib --example library -- json/decoder.py`.
//! Without arguments it lists the modules.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        for m in cinder_stdlib::packed::modules() {
            writeln!(out, "{}", m.path())?;
        }
    }
    for path in paths {
        match cinder_stdlib::packed::file(&path) {
            Some(data) => out.write_all(&data)?,
            None => eprintln!("the library has no {path}"),
        }
    }
    Ok(())
}
