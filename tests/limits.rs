//! What a machine that has run out of something gets: a sentence and an exit code, never a panic.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::platform::{Options, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::World;
use crate::support::http::get;
use crate::support::ports::CallbackPorts;

const COMMANDS: [&str; 5] =
    ["api profile", "whoami -p remote", "whoami -p keychain", "doctor", "profiles list --check"];

/// A world with a login, a profile whose name must be resolved and one that needs the keychain.
fn world(sandbox: &Sandbox) -> World {
    let mut world = World::new();
    let token = world.log_in(sandbox, "ada", "-p staging");
    let remote = "https://nowhere.invalid/api/v1";
    world.write(
        "config.toml",
        &format!(
            "profile = \"staging\"\n[profiles.staging]\napi_url = \"{}\"\n[profiles.remote]\n\
             api_url = \"{remote}\"\n[profiles.keychain]\napi_url = \"{remote}/x\"\nstore = \"keychain\"\n",
            sandbox.api_url()
        ),
    );
    world.set("AUTOCOM_TOKEN_REMOTE", token);
    world.unset("AUTOCOM_STORE");
    world
}

fn ends_with_a_sentence(command: &mut Command, what: &str) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_told = output.status.success() || !stderr.is_empty() || !output.stdout.is_empty();
    let code = output.status.code().unwrap_or(101);
    assert!(is_told && code < 101 && !stderr.contains("internal error"), "{what}: {code}\n{stderr}");
}

#[test]
fn few_descriptors_are_a_sentence() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let world = world(&sandbox);
    let program = env!("CARGO_BIN_EXE_autocom");
    for line in COMMANDS {
        for most in 5..16 {
            // One for the program's own file, which the shell hands over as it is.
            let script = format!("ulimit -n {most} && exec '{program}' {line}");
            ends_with_a_sentence(&mut world.shell(&script), &script);
        }
    }
    let outcome = world.shell(&format!("ulimit -n 6 && exec '{program}' api profile")).output().unwrap();
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(outcome.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cannot start the network runtime\n"), "{stderr}");
    assert!(stderr.contains("hint: raise the limit of open files"), "{stderr}");
}

#[test]
fn few_threads_are_a_sentence() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let mut world = world(&sandbox);
    // Root may have any number of them.
    world.heed_modes();
    for line in COMMANDS {
        let command = world.command(line);
        for most in 1..6 {
            // What the limit of processes is called depends on the shell.
            let script = format!("ulimit -u {most} 2>/dev/null || ulimit -p {most}; exec \"$0\" \"$@\"");
            let mut limited = world.shell(&script);
            limited.arg(command.get_program()).args(command.get_args());
            if rustix::process::geteuid().is_root() {
                limited.uid(65_534);
            }
            ends_with_a_sentence(&mut limited, &format!("{most}: {line}"));
        }
    }
}

#[test]
fn a_crowd_does_not_keep_the_callback_out_where_descriptors_are_few() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let program = env!("CARGO_BIN_EXE_autocom");
    let url = sandbox.api_url();
    let client = crate::platform::CLIENT_ID;
    let mut login = world.start_shell(&format!(
        "ulimit -n 32 && exec '{program}' auth login --api-url {url} --client-id {client}"
    ));
    let page = login.login_url();
    let walk = visit_blocking(&page, Visitor::approving("ada").without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    let address = url::Url::parse(&callback).unwrap();
    let address = (address.host_str().unwrap(), address.port().unwrap());
    let crowd: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    let (status, page) = get(&callback);
    assert!(status == 200 && page.contains("Ada Lovelace"), "{page}");
    login.finish().ok().says("Logged in as Ada Lovelace");
    drop(crowd);
}
