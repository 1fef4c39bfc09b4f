//! `schemas/` is generated from the types (write it anew: `UPDATE_SCHEMAS=1 cargo test schemas`), and
//! what the commands really print is valid by it.

use std::fs;
use std::path::PathBuf;

use autocom::commands::auth::{
    login::LoginAnswer, logout::LogoutAnswer, refresh::RefreshAnswer, status::StatusAnswer,
    token::TokenAnswer,
};
use autocom::commands::completions::CompletionsAnswer;
use autocom::commands::config::{get::GetAnswer, list::ListAnswer as ConfigList, path::PathAnswer};
use autocom::commands::doctor::DoctorAnswer;
use autocom::commands::journal::JournalAnswer;
use autocom::commands::man::ManAnswer;
use autocom::commands::orders::list::{ListAllAnswer as OrdersOfAll, ListAnswer as OrdersList};
use autocom::commands::profiles::{
    current::CurrentAnswer, diff::DiffAnswer, explain::ExplainAnswer, export::ExportAnswer, list::ListAnswer,
    pin::PinAnswer, show::ShowAnswer, unlock::UnlockAnswer,
};
use autocom::commands::prompt::PromptAnswer;
use autocom::commands::tenants::list::{ListAllAnswer as TenantsOfAll, ListAnswer as TenantsList};
use autocom::commands::version::VersionAnswer;
use autocom::commands::whoami::{WhoamiAllAnswer, WhoamiAnswer};
use autocom::config::ConfigSchema;
use autocom::ui::error_report::ErrorReport;
use autocom::ui::stderr_line::StderrLine;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

use crate::platform::{Options, Sandbox};
use crate::support::World;

fn schemas() -> Vec<(&'static str, Schema)> {
    fn of<T: JsonSchema>(name: &'static str) -> (&'static str, Schema) {
        (name, schema_for!(T))
    }
    vec![
        of::<ConfigSchema>("config.toml"),
        of::<ErrorReport>("error"),
        of::<StderrLine>("stderr"),
        of::<LoginAnswer>("auth-login"),
        of::<LogoutAnswer>("auth-logout"),
        of::<RefreshAnswer>("auth-refresh"),
        of::<StatusAnswer>("auth-status"),
        of::<TokenAnswer>("auth-token"),
        of::<CompletionsAnswer>("completions"),
        of::<ConfigList>("config-list"),
        of::<GetAnswer>("config-get"),
        of::<PathAnswer>("config-path"),
        of::<DoctorAnswer>("doctor"),
        of::<ManAnswer>("man"),
        of::<CurrentAnswer>("profiles-current"),
        of::<ExportAnswer>("profiles-export"),
        of::<ListAnswer>("profiles-list"),
        of::<PinAnswer>("profiles-pin"),
        of::<ShowAnswer>("profiles-show"),
        of::<ExplainAnswer>("profiles-show-explain"),
        of::<DiffAnswer>("profiles-diff"),
        of::<UnlockAnswer>("profiles-unlock"),
        of::<JournalAnswer>("journal"),
        of::<OrdersList>("orders-list"),
        of::<OrdersOfAll>("orders-list-all"),
        of::<TenantsList>("tenants-list"),
        of::<TenantsOfAll>("tenants-list-all"),
        of::<PromptAnswer>("prompt"),
        of::<VersionAnswer>("version"),
        of::<WhoamiAnswer>("whoami"),
        of::<WhoamiAllAnswer>("whoami-all"),
    ]
}

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

#[track_caller]
pub fn is_valid(name: &str, instance: &Value) {
    let (_, schema) = schemas().into_iter().find(|(known, _)| *known == name).unwrap();
    let mut schema = schema.to_value();
    // A property that the schema doesn't name would be one that it forgot.
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(instance).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{instance:#}");
}

fn close(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        if fields.contains_key("properties") {
            fields.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        fields.values_mut().for_each(close);
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(close);
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
