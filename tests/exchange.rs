//! Profiles on their way to another home: `profiles export` and `profiles import`.

use serde_json::Value;

use crate::support::{Outcome, World};

const FULL: &str = "\
profile = \"staging\" # the active one
api_url = \"https://api.example.test/api/v1\"
tenant = \"acme\"
client_id = \"9d3f\"
output = \"table\"
store = \"file\"

# Ours.
[profiles.staging]
api_url = \"https://api.staging.example.test/api/v1\"
proxy = \"http://proxy.example.test:3128\"
ca_bundle = \"~/ca.pem\"
ring = \"edge\"

[profiles.second]
credential = \"second\"
";

/// What the files make of each profile, origins left out.
fn resolved(world: &World) -> Vec<Value> {
    let rows = world.run("profiles list -o json").ok().json();
    let of = |name: &Value| {
        let shown = world.run(&format!("profiles show {} -o json", name.as_str().unwrap())).ok().json();
        let settings = shown["settings"].as_array().unwrap().iter();
        let kept =
            settings.filter(|row| !["output", "store", "ca_bundle"].contains(&row["key"].as_str().unwrap()));
        kept.map(|row| serde_json::json!([row["key"], row["value"]])).collect()
    };
    rows.as_array().unwrap().iter().map(|row| of(&row["name"])).collect()
}

/// Imports a text.
fn import(world: &World, text: &str, more: &str) -> Outcome {
    world.run_with_input(&format!("profiles import - {more}"), text)
}

#[test]
fn what_is_exported_means_the_same_in_another_home() {
    let here = World::new();
    here.config(FULL);
    let there = World::new();
    let exported = here.run("profiles export").ok().stdout;
    // It brings a proxy, which a script must not take over unseen.
    import(&there, &exported, "").code(2).says("staging (proxy)");
    let imported = import(&there, &exported, "--force").ok();
    assert_eq!(resolved(&there), resolved(&here));
    // What concerns one machine or every profile stays behind, and so does which one is active.
    let config = there.read("config.toml");
    for (left, is_there) in [("output", false), ("store", false), ("ca_bundle", false), ("profile =", false)]
    {
        assert_eq!(config.contains(left), is_there, "{left} in\n{config}");
    }
    assert!(exported.contains("# of this machine: ca_bundle = \"~/ca.pem\""), "{exported}");
    assert!(exported.starts_with("# Profiles, written by `autocom profiles export`"), "{exported}");
    imported.says("+ staging: new").says("imported 3 profiles");
    // Once more is nothing, in both homes.
    for world in [&here, &there] {
        let before = world.files();
        import(world, &exported, "").ok().says("nothing to import");
        assert_eq!(world.files(), before);
    }
    // Where the top level is another platform's, a profile takes along what it had from its own.
    let elsewhere = World::new();
    elsewhere.config("api_url = \"https://other.test/api/v1\"\ntenant = \"other\"\n");
    let second = here.run("profiles export second").ok().stdout;
    import(&elsewhere, &second, "").ok();
    let shown = elsewhere.run("profiles show second -o json").ok().stdout;
    assert!(shown.contains("https://api.example.test/api/v1") && shown.contains("\"acme\""), "{shown}");
    let json = here.run("profiles export second -o json").ok().json();
    let second = serde_json::json!({
        "api_url": "https://api.example.test/api/v1", "tenant": "acme", "client_id": "9d3f", "credential": "second"
    });
    assert_eq!(json["profiles"]["second"], second);
    here.run("profiles export stagign").code(2).says("staging");
    World::new().run("profiles export").code(2).says("no profiles to export");
}

#[test]
fn a_profile_that_differs_is_shown_and_changed_by_force_only() {
    let world = World::new();
    world.config(FULL);
    let before = world.files();
    let text = "\
        [profiles.staging]\napi_url = \"https://api.staging.example.test\"\ntenant = \"globex\"\n\
        [profiles.third]\napi_url = \"https://third.test\"\n";
    for more in ["", "--dry-run", "--no-input"] {
        let refused = import(&world, text, more).code(if more == "--dry-run" { 0 } else { 2 });
        let refused = refused.says("~ staging: changed\n    tenant: acme -> globex\n").says("+ third: new");
        if more != "--dry-run" {
            refused.says("would change what is here: staging; nothing was written").says("--force");
        }
        assert_eq!(world.files(), before, "also not what is new");
    }
    import(&world, text, "--force").ok().says("imported 2 profiles");
    let config = world.read("config.toml");
    assert!(
        config.contains("profile = \"staging\" # the active one") && config.contains("# Ours."),
        "{config}"
    );
    assert!(config.contains("proxy = \"http://proxy") && config.contains("tenant = \"globex\""), "{config}");
    assert!(config.contains("[profiles.third]\napi_url = \"https://third.test/api/v1\""), "{config}");
}

#[test]
fn what_changes_in_several_profiles_is_shown_for_each() {
    let world = World::new();
    let both = |keys: &str| {
        ["prod", "live"]
            .map(|name| format!("[profiles.{name}]\napi_url = \"https://{name}.test\"\n{keys}\n"))
            .concat()
    };
    world.config(&both("protected = true\ntenant = \"acme\""));
    let outcome = import(&world, &both("protected = false\ntenant = \"globex\""), "--dry-run").ok();
    for line in ["protected: true -> false", "tenant: acme -> globex"] {
        assert_eq!(outcome.stderr.matches(line).count(), 2, "{outcome:?}");
    }
}

#[test]
fn a_new_top_level_that_bends_other_profiles_is_a_change_too() {
    let world = World::new();
    world.config(
        "[profiles.bare]\nring = \"edge\"\n[profiles.whole]\napi_url = \"https://w.test\"\ntenant = \"a\"\n",
    );
    let text = "api_url = \"https://evil.test\"\ntenant = \"evil\"\n";
    let before = world.files();
    import(&world, text, "")
        .code(2)
        .says("~ bare: changed, by the top level")
        .says("    api_url: (unset) -> https://evil.test/api/v1")
        .says("what is here: bare;");
    assert_eq!(world.files(), before);
}

#[test]
fn a_credential_or_a_token_that_is_here_already_is_not_led_elsewhere_unnoticed() {
    let mut world = World::new();
    world.config("[profiles.prod]\napi_url = \"https://prod.test\"\ncredential = \"shared\"\n");
    world.write("logins.toml", "[shared]\napi_url = \"https://prod.test/api/v1\"\nstore = \"file\"\n");
    world.set("AUTOCOM_TOKEN_EVIL", "hunter2").plant("hunter2");
    let text = "[profiles.evil]\napi_url = \"https://evil.test\"\ncredential = \"shared\"\n";
    import(&world, text, "--dry-run")
        .ok()
        .says("the credential under which profile evil would look is of https://prod.test")
        .says("AUTOCOM_TOKEN_EVIL is set: its token will go to https://evil.test/api/v1");
}

#[test]
fn one_thing_wrong_and_nothing_is_written() {
    let world = World::new();
    world.config("[profiles.eu-west]\napi_url = \"https://eu.test\"\n");
    let before = world.files();
    let good = "[profiles.good]\napi_url = \"https://good.test\"\n";
    for (text, says) in [
        ("[profiles.x]\napi_url = \"http://x.test\"\n", "standard input:4"),
        ("[profiles.x]\napi_url = \"https://u:hunter2@x.test\"\n", "standard input:4"),
        ("[profiles.x]\ntenant = \"a\"\n", "standard input:4: profile `x` has no api_url"),
        ("[profiles.x]\napi_url = 7\n", "must be a string (from standard input:4)"),
        (
            "[profiles.x]\napi_url = \"https://x.test\"\ntennant = \"a\"\n",
            "standard input:5: unknown key `profiles.x.tennant` (did you mean `tenant`?)",
        ),
        (
            "[profiles.x]\napi_url = \"https://x.test\"\ntoken = \"hunter2\"\n",
            "unknown key `profiles.x.token`",
        ),
        ("[profiles.x]\napi_url = \"https://x.test\"\ntenant = \"a\\u001b[2J\"\n", "standard input:5"),
        (
            "[profiles.x]\napi_url = \"https://x.test\"\nproxy = \"http://ada:hunter2@p.test\"\n",
            "must not carry",
        ),
        (
            "[profiles.default]\napi_url = \"https://x.test\"\n",
            "standard input:3: `[profiles.default]` can't be",
        ),
        (
            "[profiles.\"../x\"]\napi_url = \"https://x.test\"\n",
            "standard input:3: the profile name `../x` must be",
        ),
        ("[profiles.\"a\\u001b[2Jb\"]\n", "the profile name `a [2Jb`"),
        ("[profiles.eu_west]\napi_url = \"https://x.test\"\n", "AUTOCOM_TOKEN_EU_WEST"),
        ("[profiles.x]\napi_url = \"https://x.test\"\n[profiles.x]\n", "standard input:5"),
        ("profiles = 3", "standard input"),
        ("[profiles.x", "standard input:3:"),
    ] {
        world.plant("hunter2");
        let outcome = import(&world, &format!("{good}{text}"), "--force").code(2).says(says);
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
        assert_eq!(world.files(), before, "{text}");
    }
    import(&world, "tenant = \"acme\"\n", "").code(2).says("standard input holds no profiles");
    import(&world, "", "").code(2);
    std::fs::write(world.home().join("latin1.toml"), b"[profiles.x]\n# caf\xe9\n").unwrap();
    world.run("profiles import latin1.toml").code(2).says("latin1.toml:2:6: is not UTF-8 text");
    world.run("profiles import nowhere.toml").code(2).says("nowhere.toml can't be read");
    let huge = std::fs::File::create(world.home().join("huge.toml")).unwrap();
    huge.set_len(100 << 20).unwrap();
    world.run("profiles import huge.toml").code(2).says("huge.toml is larger than");
    assert_eq!(world.files(), before);
    // A whole configuration is no mistake: what is not a profile's is passed over.
    let whole = format!("profile = \"good\"\noutput = \"json\"\n{good}");
    import(&world, &whole, "")
        .ok()
        .says("passed over on top, since it concerns every profile: output, profile");
    assert!(!world.read("config.toml").contains("output"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_person_is_asked_before_it_is_written() {
    let world = World::new();
    std::fs::write(world.home().join("p.toml"), "[profiles.x]\napi_url = \"https://x.test\"\n").unwrap();
    for (answer, code, says) in [("n\r", 1, "nothing was imported"), ("y\r", 0, "imported 1 profile")] {
        let mut import = world.start_in_terminal("profiles import p.toml");
        import.line_with("api_url: https://x.test/api/v1");
        import.types(answer);
        let outcome = import.finish().code(code);
        assert!(outcome.stderr.contains(says), "{outcome:?}");
        assert_eq!(world.read("config.toml").contains("[profiles.x]"), code == 0);
    }
}

#[test]
fn what_makes_a_new_profile_less_safe_is_not_taken_over_unseen() {
    let world = World::new();
    for line in
        ["protected = false", "proxy = \"http://proxy.example.test:3128\"", "ca_bundle = \"/tmp/ca.pem\""]
    {
        let text = format!("[profiles.new]\napi_url = \"https://new.example.test\"\n{line}\n");
        let key = line.split(' ').next().unwrap();
        import(&world, &text, "").code(2).says(&format!("new ({key})")).says("--force");
        assert!(!world.path("config.toml").exists(), "{line}");
    }
    import(&world, "[profiles.new]\napi_url = \"https://new.example.test\"\nprotected = true\n", "").ok();
}

#[test]
fn an_export_is_toml_whatever_format_answers_have() {
    let mut world = World::new();
    world.config("output = \"json\"\n[profiles.one]\napi_url = \"https://one.example.test\"\n");
    world.run("profiles export").ok().prints("[profiles.one]");
    world.set("AUTOCOM_OUTPUT", "json");
    world.run("profiles export").ok().prints("[profiles.one]");
    world.run("completions bash").ok().prints("complete ");
    assert_eq!(
        world.run("profiles export -o json").ok().json()["profiles"]["one"]["api_url"],
        "https://one.example.test/api/v1"
    );
}

#[test]
fn a_forced_import_changes_many_profiles_and_no_line_beside_them() {
    let profile = |n: usize, tenant: &str, blank: &str| {
        format!(
            "# Number {n}.\n[profiles.p{n}]  # ours\napi_url = \"https://h{n}.test/api/v1\"\n{blank}tenant{blank} = \"{tenant}\" # who\n\n"
        )
    };
    let config = |tenant: &str, changed: &str| {
        (0..60).map(|n| profile(n, if n % 7 == 3 { changed } else { tenant }, "  ")).collect::<String>()
    };
    let world = World::new();
    world.config(&config("acme", "acme"));
    let more = "[profiles.p99]\napi_url = \"https://h99.test/api/v1\"\n";
    let wanted: String = (0..60).filter(|n| n % 7 == 3).map(|n| profile(n, "globex", "")).collect();
    import(&world, &(wanted + more), "--force").ok().says("imported 10 profiles");
    let text = world.read("config.toml");
    let lines = |text: &str| {
        text.lines().filter(|line| !line.contains("globex")).map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = config("acme", "globex");
    assert!(lines(&text).starts_with(&lines(expected.trim_end())), "{text}");
    assert_eq!(text.matches("\"globex\" # who").count(), 9, "{text}");
    assert!(text.ends_with(more), "{text}");
}
