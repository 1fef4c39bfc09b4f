//! How the program is linked.
//!
//! Every command here should feel like `true`, and a third of what a short one costs is spent before
//! `main`. So a release for Linux on `x86_64` spares its loader two things:
//!
//! - It is linked at a fixed address. A position-independent program has its 14,000 pointers (vtables,
//!   tables of the TLS library) written anew at every start. Libraries, heap and stack stay at random
//!   addresses, and our own code has no `unsafe`.
//! - The unwinder of GCC (`libgcc_s`) is linked statically where the machine has it so: finding and
//!   mapping it costs a fifth of what `/bin/true` does.

#![allow(clippy::disallowed_methods, reason = "a build script is told everything by its environment")]

use std::path::Path;
use std::process::Command;

/// What the standard library asks the linker for, and the archive that serves instead.
const UNWINDER: (&str, &str) = ("libgcc_s.so", "libgcc_eh.a");

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if !(linux && is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("PROFILE", "release")) {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    // The linker takes the first library of a name: here it finds a script that leads to the archive.
    let (asked, archive) = UNWINDER;
    if has(archive) {
        let scripts = std::env::var("OUT_DIR").expect("cargo names it");
        std::fs::write(Path::new(&scripts).join(asked), format!("INPUT(-l:{archive})\n"))
            .expect("cargo's folder for us can be written");
        println!("cargo:rustc-link-search=native={scripts}");
    }
}

/// Whether the compiler that links has this archive: it answers with a path then, otherwise with the name.
fn has(archive: &str) -> bool {
    let compiler = std::env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(compiler).arg(format!("-print-file-name={archive}")).output();
    answer.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
