//! The unwinder comes with the C compiler. Linked in, it is no file that has to be there when the program
//! is run, or that has to be loaded at each start.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
    }
}
