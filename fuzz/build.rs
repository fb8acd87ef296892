//! `cargo fuzz` compiles with `--cfg fuzzing`; the compiler does not know that name by itself.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rerun-if-changed=build.rs");
}
