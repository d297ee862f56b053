//! Chooses the dispatch: the tail-calling one needs optimised code.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(cinder_match_dispatch)");
    println!("cargo::rerun-if-env-changed=OPT_LEVEL");
    if std::env::var("OPT_LEVEL").as_deref() == Ok("0") {
        println!("cargo::rustc-cfg=cinder_match_dispatch");
    }
}
