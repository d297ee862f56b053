//! How the command is linked on Linux for x86-64: at a fixed address, with the functions of a start beside each other.
//!
//! A position-independent executable has a relocation for every pointer among its constants, tables of methods and of
//! types: 36,000, which are read and applied at every start, and the pages they lie in become the process's own. The
//! environment variable `CINDER_PLAIN_LINK` leaves everything to the linker's defaults, for linkers that do not read
//! scripts and for executables that must be loaded at random addresses.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    println!("cargo::rerun-if-env-changed=CINDER_PLAIN_LINK");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let known = target("ARCH") == "x86_64" && target("OS") == "linux" && target("ENV") == "gnu";
    if known && std::env::var_os("CINDER_PLAIN_LINK").is_none() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-no-pie");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/link.ld");
    }
}
