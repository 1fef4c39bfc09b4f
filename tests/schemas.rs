//! `schemas/` is generated from the types (write it anew: `UPDATE_SCHEMAS=1 cargo test schemas`), and
//! what the commands really print is valid by it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::platform::{Options, Sandbox};
use crate::support::World;
use crate::support::schemas::{is_valid, schemas};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

#[test]
fn the_folder_is_what_the_types_say() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut expected = Vec::new();
    for (name, schema) in schemas() {
        let file = folder().join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if update {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(found, text, "{} is out of date: UPDATE_SCHEMAS=1 cargo test schemas", file.display());
        expected.push(file);
    }
    let found = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    for file in found {
        assert!(expected.contains(&file), "{} belongs to no type", file.display());
    }
}

#[test]
fn what_every_command_prints_is_valid_by_its_schema() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let world = World::new();
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    let login = format!("auth login --profile local --api-url {} --token-stdin -o json", sandbox.api_url());
    is_valid("auth-login", &world.run_with_input(&login, &token).ok().json());
    world.run("profiles set bare api_url=https://bare.example.test").ok();
    world.run("profiles pin local").ok();
    for (name, line) in [
        ("auth-status", "auth status"),
        ("completions", "completions fish"),
        ("config-get", "config get tenant"),
        ("config-list", "config list"),
        ("config-path", "config path"),
        ("doctor", "doctor --offline"),
        ("man", "man"),
        ("man", "man --dir pages"),
        ("profiles-current", "profiles current"),
        ("profiles-export", "profiles export"),
        ("profiles-list", "profiles list"),
        ("profiles-list", "profiles list --check"),
        ("profiles-pin", "profiles pin"),
        ("profiles-show", "profiles show bare"),
        ("profiles-show-explain", "profiles show bare --explain"),
        ("profiles-diff", "profiles diff bare local --all"),
        ("orders-list", "orders list"),
        ("orders-list-all", "orders list --profiles local"),
        ("tenants-list", "tenants list"),
        ("tenants-list-all", "tenants list --profiles local"),
        ("prompt", "prompt"),
        ("version", "version"),
        ("whoami", "whoami"),
        ("whoami", "whoami --check"),
        ("whoami-all", "whoami --profiles local"),
        ("auth-logout", "auth logout"),
    ] {
        is_valid(name, &world.run(&format!("{line} -o json")).ok().json());
    }
    let failed = world.run("whoami -o json").code(4);
    is_valid("error", &serde_json::from_str(&failed.stderr).unwrap());
}

#[test]
fn the_configuration_that_we_show_is_valid_by_its_schema() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/config.toml");
    let value: Value = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    is_valid("config.toml", &value);
}
