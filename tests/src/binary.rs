//! The built program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of the built `dkimgate`, which is brought up to date when first asked for.
///
/// `DKIMGATE_PROGRAM` names another one, such as a release build.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("DKIMGATE_PROGRAM").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "dkimgate", "--bin", "dkimgate"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.current_dir(checkout()).status().expect("cargo is there: it runs this test");
    assert!(status.success(), "the program does not build");
    // This test is target/PROFILE/deps/NAME, the program is target/PROFILE/dkimgate.
    let this = std::env::current_exe().expect("a running program has a path");
    let profile = this.parent().and_then(Path::parent).expect("test programs lie in target/PROFILE/deps");
    profile.join("dkimgate")
}

/// The top of the checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
