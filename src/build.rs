//! How the program is linked.
//!
//! On Linux a release is linked at a fixed address. A position-independent one has its 14,000
//! pointers (vtables, tables of the TLS library) written anew at every start, which is an eighth of
//! what `profiles list` costs as a whole process, and every command here should feel like `true`.
//! Libraries, heap and stack stay at random addresses, and our own code has no `unsafe`.

#![allow(clippy::disallowed_methods, reason = "a build script is told everything by its environment")]

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if linux && is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
