//! The schema of each shape, and whether an answer is valid by it.

use autocom::commands::auth::{
    login::LoginAnswer, logout::LogoutAnswer, refresh::RefreshAnswer, status::StatusAnswer,
    token::TokenAnswer,
};
use autocom::commands::completions::CompletionsAnswer;
use autocom::commands::config::{get::GetAnswer, list::ListAnswer as ConfigList, path::PathAnswer};
use autocom::commands::doctor::DoctorAnswer;
use autocom::commands::journal::JournalAnswer;
use autocom::commands::man::ManAnswer;
use autocom::commands::orders::list::{ListAnswer as OrdersList, OrderRow};
use autocom::commands::profiles::{
    current::CurrentAnswer, diff::DiffAnswer, explain::ExplainAnswer, export::ExportAnswer, list::ListAnswer,
    pin::PinAnswer, show::ShowAnswer, unlock::UnlockAnswer,
};
use autocom::commands::prompt::PromptAnswer;
use autocom::commands::several::AllAnswer;
use autocom::commands::tenants::list::ListAnswer as TenantsList;
use autocom::commands::version::VersionAnswer;
use autocom::commands::whoami::{UserRow, WhoamiAnswer};
use autocom::config::ConfigSchema;
use autocom::session::answers::tenants::TenantRow;
use autocom::ui::error_report::ErrorReport;
use autocom::ui::stderr_line::StderrLine;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

/// What commands print, and `config.toml`, by the name of the schema.
pub fn schemas() -> Vec<(&'static str, Schema)> {
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
        of::<AllAnswer<OrderRow>>("orders-list-all"),
        of::<TenantsList>("tenants-list"),
        of::<AllAnswer<TenantRow>>("tenants-list-all"),
        of::<PromptAnswer>("prompt"),
        of::<VersionAnswer>("version"),
        of::<WhoamiAnswer>("whoami"),
        of::<AllAnswer<UserRow>>("whoami-all"),
    ]
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
