//! Jobs of a CI system: by variables alone, in a home that can't be written; and the recipes in
//! `examples/ci`, each of whose `autocom` lines runs here as it stands there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::platform::{Sandbox, fingerprint};
use crate::support::World;
use crate::support::platform::sandbox;

/// Everything below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_job_needs_variables_only_and_leaves_nothing_behind() {
    let (mut world, sandbox) = (World::new(), sandbox());
    let home = world.home().join("read-only");
    fs::create_dir(&home).unwrap();
    world.heed_modes();
    fs::set_permissions(&home, PermissionsExt::from_mode(0o555)).unwrap();
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world.unset("AUTOCOM_STORE").set("HOME", home.display().to_string());
    world.set("AUTOCOM_API_URL", sandbox.api_url()).set("AUTOCOM_TENANT", "globex");
    let before = everything(world.home());
    for (profile, variable) in
        [(None, "AUTOCOM_TOKEN"), (Some("ci"), "AUTOCOM_TOKEN"), (Some("ci"), "AUTOCOM_TOKEN_CI")]
    {
        world.unset("AUTOCOM_TOKEN").set(variable, &token);
        profile.map(|name| world.set("AUTOCOM_PROFILE", name));
        for (line, prints) in [
            ("whoami", "ada@example.test"),
            ("auth status", variable),
            ("auth status --check", "ok "),
            ("auth token", &token),
            ("exec -- printenv AUTOCOM_TOKEN", &token),
            ("profiles list", "\tenv\t"),
            ("profiles show", variable),
        ] {
            for format in ["", "-o json "] {
                let outcome = world.run(&format!("{format}{line}")).ok();
                assert_eq!(outcome.stderr, "", "{line}");
                if format.is_empty() {
                    outcome.prints(prints);
                }
            }
        }
        // What does need a login says so, and tries to write nothing either.
        world.run("auth refresh").code(2).says(variable);
    }
    assert_eq!(everything(world.home()), before);
    let asked = sandbox.requests();
    assert!(asked.iter().all(|request| request.tenant.as_deref() == Some("globex")), "{asked:?}");
}

/// A project that has copied the recipes, and the environments that it speaks of.
struct Project {
    world: World,
    /// By profile: the environment and its token.
    environments: BTreeMap<&'static str, (Sandbox, String)>,
}

impl Project {
    /// With autocom in the folder that the recipe installs it in.
    fn new(bin: &str) -> Project {
        let world = World::new();
        let environments: BTreeMap<_, _> = ["staging", "prod"]
            .into_iter()
            .map(|profile| {
                let sandbox = sandbox();
                let token = sandbox.mint_pat("ada", None);
                world.plant(&token);
                (profile, (sandbox, token))
            })
            .collect();
        let folder = world.home();
        fs::create_dir_all(folder.join(bin)).unwrap();
        symlink(env!("CARGO_BIN_EXE_autocom"), folder.join(bin).join("autocom")).unwrap();
        let script = "#!/bin/sh\necho smoke \"$AUTOCOM_PROFILE $AUTOCOM_API_URL $AUTOCOM_TENANT\" \
                      $(env | grep -c ^AUTOCOM_TOKEN)\n";
        fs::write(folder.join("smoke-test.sh"), script).unwrap();
        fs::set_permissions(folder.join("smoke-test.sh"), PermissionsExt::from_mode(0o755)).unwrap();
        let config = example("autocom.toml")
            .replace("https://api.staging.example.test/api/v1", &environments["staging"].0.api_url())
            .replace("https://api.example.test/api/v1", &environments["prod"].0.api_url());
        fs::create_dir(folder.join("ci")).unwrap();
        fs::write(folder.join("ci/autocom.toml"), config).unwrap();
        Project { world, environments }
    }

    /// The value of a variable or secret, as the comment on top of a recipe says to set it up: those of
    /// one environment, or those of a job with several.
    fn setting(&self, environment: Option<&str>, name: &str) -> Option<String> {
        match (environment.and_then(|name| self.environments.get(name)), name) {
            (Some((_, token)), "AUTOCOM_TOKEN") => Some(token.clone()),
            (Some((sandbox, _)), "AUTOCOM_API_URL") => Some(sandbox.api_url()),
            (Some(_), "AUTOCOM_TENANT") => Some("acme".to_owned()),
            (None, "AUTOCOM_TOKEN_STAGING") => Some(self.environments["staging"].1.clone()),
            (None, "AUTOCOM_TOKEN_PROD") => Some(self.environments["prod"].1.clone()),
            _ => None,
        }
    }

    /// Runs a step as a runner does: it ends at the first command that fails.
    fn run(&self, shell: &str, script: &str, environment: &BTreeMap<String, String>) -> String {
        let folder = self.world.home();
        let before = everything(folder);
        let path = format!("{}:/usr/bin:/bin", folder.join(".cargo/bin").display());
        let mut command = Command::new(shell);
        command.args(["-e", "-c", script]).current_dir(folder).env_clear().env("PATH", path);
        command
            .env("HOME", folder)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .envs(environment);
        let output = command.output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && stderr.is_empty(), "{script}\n{stdout}\n{stderr}");
        for (_, token) in self.environments.values() {
            assert!(!stdout.contains(token), "a token in the log:\n{stdout}");
        }
        assert_eq!(everything(folder), before);
        stdout
    }

    /// The script ran in each of these environments, with that one's token and no other; and no platform
    /// saw another's.
    #[track_caller]
    fn check(&self, profiles: &[&str], log: &str) {
        for profile in profiles {
            let line = format!("smoke {profile} {} acme 1\n", self.environments[profile].0.api_url());
            assert!(log.contains(&line) && log.contains("ok "), "no {line:?} in:\n{log}");
        }
        for (sandbox, token) in self.environments.values() {
            let own = Some(fingerprint(token));
            assert!(sandbox.requests().iter().all(|it| it.authorization == own && it.status == Some(200)));
        }
    }
}

fn example(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn recipe(file: &str) -> Value {
    serde_saphyr::from_str(&example(file)).unwrap()
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[test]
fn the_recipe_for_github_actions_works_as_it_stands() {
    let (project, recipe) = (Project::new(".cargo/bin"), recipe("github-actions.yml"));
    for (name, profiles) in [("smoke", &["staging", "prod"][..]), ("together", &[])] {
        let job = &recipe["jobs"][name];
        let matrix: Vec<_> = items(&job["strategy"]["matrix"]["profile"]).map(|it| it.as_str()).collect();
        assert_eq!(matrix.iter().flatten().copied().collect::<Vec<_>>(), profiles);
        // A job without a matrix runs once, outside of any environment.
        for profile in if matrix.is_empty() { vec![None] } else { matrix } {
            let value = |text: &str| match text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}"))
            {
                Some("matrix.profile") => profile.unwrap().to_owned(),
                Some(expression) => {
                    let (_, name) = expression.split_once('.').unwrap();
                    project.setting(profile, name).unwrap_or_else(|| panic!("{name} is not set up"))
                }
                None => text.to_owned(),
            };
            let mut log = String::new();
            for step in items(&job["steps"]).filter(|step| step["run"].is_string()) {
                let script = step["run"].as_str().unwrap();
                let mut given = texts(&job["env"]);
                given.extend(texts(&step["env"]));
                if script.starts_with("cargo install") {
                    assert!(given.values().all(|value| !value.contains("secrets.")), "a token in {script}");
                    continue;
                }
                let given = given.iter().map(|(name, text)| (name.clone(), value(text))).collect();
                log += &project.run("bash", script, &given);
            }
            project.check(&profile.map_or(vec!["staging", "prod"], |profile| vec![profile]), &log);
        }
    }
}

#[test]
fn the_recipe_for_gitlab_works_as_it_stands() {
    let (project, recipe) = (Project::new(".ci/bin"), recipe("gitlab-ci.yml"));
    let build = &recipe["autocom"];
    assert!(build["environment"].is_null(), "scoped variables would be in the job that builds");
    let jobs: Vec<_> =
        recipe.as_object().unwrap().iter().filter(|(_, job)| job["extends"] == ".smoke").collect();
    assert_eq!(
        jobs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["prod", "staging", "together"]
    );
    for (name, job) in jobs {
        let base = &recipe[".smoke"];
        let own = if job["script"].is_null() { base } else { job };
        let lines: Vec<_> = items(&base["before_script"])
            .chain(items(&own["script"]))
            .map(|line| line.as_str().unwrap())
            .collect();
        let environment = job["environment"]["name"].as_str().unwrap();
        assert_eq!(environment, name);
        let scope = Some(environment).filter(|name| project.environments.contains_key(name));
        let mut given = texts(&job["variables"]);
        // GitLab hands every variable of the scope over, named or not.
        for name in [
            "AUTOCOM_TOKEN",
            "AUTOCOM_API_URL",
            "AUTOCOM_TENANT",
            "AUTOCOM_TOKEN_STAGING",
            "AUTOCOM_TOKEN_PROD",
        ] {
            given.extend(project.setting(scope, name).map(|value| (name.to_owned(), value)));
        }
        given.insert("CI_PROJECT_DIR".to_owned(), project.world.home().display().to_string());
        let log = project.run("sh", &lines.join("\n"), &given);
        project.check(&scope.map_or(vec!["staging", "prod"], |profile| vec![profile]), &log);
    }
}
