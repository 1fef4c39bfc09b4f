//! Completions, in real shells: what TAB puts into the line is run, and what it lists is read.

use crate::platform::{Options, Sandbox};
use crate::support::World;
use crate::support::world::Running;

fn world() -> World {
    let mut world = World::new();
    world.config(
        "profile = \"prod\"\n[profiles.staging]\napi_url = \"https://staging.example.test/api/v1\"\n\
         tenant = \"acme\"\n[profiles.prod]\napi_url = \"https://prod.example.test/api/v1\"\ntenant = \"globex\"\n",
    );
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_autocom"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.parent().unwrap().display());
    world.set("PATH", path).set("LC_ALL", "C.UTF-8");
    let shared = "[profiles.extra]\napi_url = \"https://extra.example.test/api/v1\"\n";
    std::fs::write(world.home().join("shared profiles.toml"), shared).unwrap();
    world
}

/// The candidates for the last word, as fish gets them.
fn candidates(world: &World, words: &[&str]) -> Vec<String> {
    let outcome = world.run_words(&[&["__complete", "fish", "autocom"], words].concat()).ok();
    assert_eq!(outcome.stderr, "", "a person is in the middle of a line");
    outcome.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn the_word_at_the_cursor_gets_the_names_that_belong_there() {
    let world = world();
    for (words, expected) in [
        (&["-p", "st"][..], &["staging"][..]),
        (&["-pst"], &["-pstaging"]),
        (&["--profile=st"], &["--profile=staging"]),
        (&["profiles", "use", ""], &["staging", "prod"]),
        (&["profile", "rm", "prod", "--use", "s"], &["staging"]),
        (&["whoami", "--profiles", "staging,p"], &["staging,prod"]),
        // The tenants of the platform that the line means.
        (&["tenants", "use", ""], &["globex"]),
        (&["-p", "staging", "tenants", "use", ""], &["acme"]),
        (&["--api-url=https://staging.example.test", "--tenant", ""], &["acme"]),
        (&["config", "get", "te"], &["tenant"]),
        (&["config", "set", "profiles.prod.te"], &["profiles.prod.tenant"]),
        (&["profiles", "set", "prod", "te"], &["tenant="]),
        (&["profiles", "set", "prod", "tenant=acme", "store=k"], &["store=keychain"]),
        (&["orders", "list", "--status", "ship"], &["shipped"]),
        (&["completions", "po"], &["powershell"]),
        (&["profiles", "diff", "prod", "st"], &["staging"]),
        (&["profiles", "show", "--explain", "tok"], &["token"]),
        (&["--expect", "ten"], &["tenant="]),
        (&["--expect", "tenant=acme,pro"], &["tenant=acme,profile="]),
        (&["--expect=host=api,profile=s"], &["--expect=host=api,profile=staging"]),
        (&["--expect", "host=p"], &["host=prod.example.test"]),
        (&["profiles", "rename", "prod", ""], &[]),
        (&["whoa"], &["whoami"]),
    ] {
        let mut found = candidates(&world, words);
        found.retain(|word| !word.starts_with("--") || word.contains('='));
        found.retain(|word| !word.starts_with('-') || word.starts_with("-p") || word.contains('='));
        let found: Vec<_> = found.iter().filter(|word| *word != "-p").collect();
        assert_eq!(found, expected, "{words:?}");
    }
    for typed in ["-", "--", "--no"] {
        let options = candidates(&world, &["profiles", "use", typed]);
        assert!(options.contains(&"--no-input".to_owned()), "{options:?}");
    }
}

#[test]
fn the_tenants_that_were_listed_are_known_without_asking() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "mary", "--profile work --tenant acme");
    assert_eq!(candidates(&world, &["tenants", "use", ""]), ["acme"]);
    world.run("tenants list").ok();
    let asked = sandbox.requests().len();
    let known = candidates(&world, &["tenants", "use", "g"]);
    assert_eq!(known, ["globex"]);
    assert_eq!(sandbox.requests().len(), asked);
    // They are the user's: another's login forgets them.
    world.log_in(&sandbox, "ada", "--profile work --tenant acme");
    assert_eq!(candidates(&world, &["tenants", "use", ""]), ["acme"]);
}

#[test]
fn completing_changes_nothing_and_is_silent_about_what_is_wrong() {
    let mut world = world();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(world.path("config.toml"), open).unwrap();
        assert_eq!(candidates(&world, &["-p", "p"]), ["prod"]);
        let mode = std::fs::metadata(world.path("config.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "tightening is for who can be told");
    }
    let left: Vec<_> = std::fs::read_dir(world.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["config.toml"]);
    world.config("not [ toml");
    assert_eq!(candidates(&world, &["-p", ""]), [""; 0]);
    assert_eq!(candidates(&world, &["whoa"]), ["whoami"]);
    world.write("other.toml", "[profiles.eu]\napi_url = \"https://eu.test\"\n");
    world.set("AUTOCOM_CONFIG", world.path("other.toml").display().to_string());
    world.write("logins.toml", "nor [ this");
    assert_eq!(candidates(&world, &["-p", ""]), ["eu"]);
    world.unset("AUTOCOM_CONFIG").set("AUTOCOM_HOME", "/nonexistent");
    assert_eq!(candidates(&world, &["-p", ""]), [""; 0]);
    // A pipe that nobody writes to is not waited for.
    #[cfg(unix)]
    {
        let pipe = world.home().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        world.set("AUTOCOM_CONFIG", pipe.display().to_string());
        assert_eq!(candidates(&world, &["-p", ""]), [""; 0]);
    }
}

/// PowerShell is in no Debian: of its script this is all that is tested.
#[test]
fn every_script_calls_the_program_on_path() {
    let world = world();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = world.run(&format!("completions {shell}")).ok().stdout;
        assert!(script.contains(&format!("autocom __complete {shell}")), "{script}");
        assert!(!script.contains("/target/") && !script.contains(&*world.home().to_string_lossy()));
    }
    world.run("completions tcsh").code(2).says("bash, zsh, fish, powershell");
}

/// An interactive shell, at its prompt.
#[cfg(target_os = "linux")]
fn shell(world: &World, command: &str) -> Running {
    let mut shell = world.start_script_in_terminal(&format!("stty rows 40 cols 300; exec {command}"));
    shell.line_with("at the prompt");
    shell
}

/// Types lines with TABs and reads what the commands that came of it say.
#[cfg(target_os = "linux")]
fn completes(mut shell: Running) {
    shell.types("autocom -p st\t profiles current | sed 's/^/1: /'\n");
    shell.line_with("1: staging");
    shell.types("autocom profiles current --profile=st\t | sed 's/^/2: /'\n");
    shell.line_with("2: staging");
    shell.types("autocom tenants use gl\t --no-check 2>&1 | sed 's/^/3: /'\n");
    shell.line_with("3: profile prod works in tenant globex");
    // Nothing comes between the sign and what is typed next.
    shell.types("autocom profiles set staging tena\thooli 2>&1 | sed 's/^/4: /'\n");
    shell.line_with("4: changed profile staging");
    shell.types("autocom config get profiles.staging.tena\t | sed 's/^/5: /'\n");
    shell.line_with("5: hooli");
    shell.types("autocom profiles diff staging pr\t -q 2>&1 | grep tenant | sed 's/^/6: /'\n");
    shell.line_with("6: tenant");
    shell.types("autocom profiles current --expect tena\tacme,prof\tprod 2>&1 | sed 's/^/7: /'\n");
    shell.line_with("7: error: expected tenant acme (from --expect)");
    // A path below the home stays one, and a blank in it is quoted.
    shell.types("autocom profiles import ~/shared\t --dry-run 2>&1 | sed 's/^/8: /'\n");
    shell.line_with("8: ");
    shell.line_with("8: ");
    shell.types("exit\n");
    let seen = shell.finish().stderr;
    assert!(seen.contains("extra") && !seen.contains("can't be read"), "{seen}");
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs bash; run by tests/run"]
fn bash_completes() {
    let world = world();
    let rc = "PS1='$ '; PROMPT_COMMAND='echo at the prompt'; bind 'set enable-bracketed-paste off'\n\
              source <(autocom completions bash)\n";
    std::fs::write(world.home().join("rc"), rc).unwrap();
    let mut list = shell(&world, "bash --noprofile --rcfile rc -i");
    list.types("autocom profiles use \t\t");
    let line = list.line_with("staging");
    assert!(line.contains("prod") && !line.contains("--"), "{line}");
    list.types("\u{15}autocom profiles set staging store=ke\t 2>&1 | sed 's/^/0: /'\n");
    list.line_with("0: changed profile staging");
    assert!(world.read("config.toml").contains("store = \"keychain\""));
    list.types("exit\n");
    list.finish();
    completes(shell(&world, "bash --noprofile --rcfile rc -i"));
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs zsh; run by tests/run"]
fn zsh_completes() {
    let mut world = world();
    world.set("ZDOTDIR", world.home().display().to_string());
    // Twice: sourced, and as a file that compinit finds.
    let sourced = "source <(autocom completions zsh)";
    let found = "true";
    let folder = world.home().join("functions");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("_autocom"), world.run("completions zsh").ok().stdout).unwrap();
    for (path, load) in [("", sourced), ("fpath=(~/functions $fpath);", found)] {
        let rc = format!(
            "PS1='$ '; {path} autoload -U compinit; compinit -u -d ~/dump{}; {load}\nprecmd() {{ print at the prompt }}\n",
            path.len()
        );
        std::fs::write(world.home().join(".zshrc"), rc).unwrap();
        world.run("config set profiles.staging.tenant acme").ok();
        completes(shell(&world, "zsh -i"));
    }
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs fish; run by tests/run"]
fn fish_completes() {
    let world = world();
    let folder = world.home().join(".config/fish");
    std::fs::create_dir_all(folder.join("completions")).unwrap();
    let script = world.run("completions fish").ok().stdout;
    std::fs::write(folder.join("completions/autocom.fish"), script).unwrap();
    let rc = "function fish_prompt; echo at the prompt; echo '$ '; end; function fish_greeting; end\n";
    std::fs::write(folder.join("config.fish"), rc).unwrap();
    completes(shell(&world, "fish -i"));
}

#[test]
fn files_and_commands_are_offered_where_they_are_typed() {
    let world = world();
    for name in ["note.txt", "body.json"] {
        std::fs::write(world.home().join(name), "x").unwrap();
    }
    for (words, expected) in [
        (&["api", "orders", "--input", "bo"][..], "body.json"),
        (&["api", "orders", "-F", "note=@no"], "note=@note.txt"),
        (&["api", "orders", "-Fnote=@no"], "-Fnote=@note.txt"),
        (&["profiles", "import", "bo"], "body.json"),
        (&["profiles", "set", "prod", "ca_bundle=no"], "ca_bundle=note.txt"),
        (&["config", "set", "ca_bundle", "no"], "note.txt"),
        (&["exec", "--", "printen"], "printenv"),
        (&["exec", "--", "cat", "no"], "note.txt"),
    ] {
        assert_eq!(candidates(&world, words), [expected], "{words:?}");
    }
}
