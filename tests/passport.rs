//! The sandbox answers as real Passport does, by recordings of Passport 12 and 13.

use std::process::Command;

use serde_json::{Map, Value};

use crate::platform::{CLIENT_ID, Knobs, Options, Passport, Sandbox};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/passport");

/// Where the sandbox may answer differently, by probe and field, and why. `*` is every probe.
const EXCUSES: [(&str, &str, &str); 5] = [
    ("*", "cache-control", "autocom stores no answer"),
    ("profile after code replay", "body", "the users are the sandbox's own"),
    ("new access after replay", "body", "the users are the sandbox's own"),
    ("device driver", "", "the text of a page"),
    ("device deny driver", "", "the text of a page"),
];

#[test]
fn the_sandbox_answers_as_passport_12_and_13_do() {
    let (mut unlike, mut unused) = (Vec::new(), EXCUSES.to_vec());
    for (passport, recording) in [(Passport::V12, "passport-12.json"), (Passport::V13, "passport-13.json")] {
        let recorded = std::fs::read_to_string(format!("{FOLDER}/{recording}")).unwrap();
        let recorded: Map<String, Value> = serde_json::from_str(&recorded).unwrap();
        let answered = probe(passport);
        for (probe, real) in &recorded {
            let ours = answered.get(probe).unwrap_or(&Value::Null);
            for (field, real, ours) in differences(real, ours) {
                let excused = |(known, excused, _): &(&str, &str, &str)| {
                    (*known == "*" || known == probe) && *excused == field
                };
                if !EXCUSES.iter().any(excused) {
                    unlike.push(format!(
                        "{recording}, {probe}, {field}:\n  Passport: {real}\n  sandbox:  {ours}"
                    ));
                }
                unused.retain(|excuse| !excused(excuse));
            }
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    assert!(unused.is_empty(), "nothing to excuse: {unused:?}");
}

/// What a sandbox with these habits answers to every probe.
fn probe(passport: Passport) -> Map<String, Value> {
    let device = passport == Passport::V13;
    let knobs = Knobs { passport, device_grant: device, ..Knobs::default() };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let output = Command::new("python3")
        .arg(format!("{FOLDER}/probe.py"))
        .args([&sandbox.origin(), CLIENT_ID, "ada", "pw-ada"])
        .args(device.then_some(CLIENT_ID))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The fields of an answer that differ; a probe that is a text has one field, without a name.
fn differences(real: &Value, ours: &Value) -> Vec<(String, Value, Value)> {
    let (Some(real), Some(ours)) = (real.as_object(), ours.as_object()) else {
        return if alike(real, ours) { vec![] } else { vec![(String::new(), real.clone(), ours.clone())] };
    };
    let added = ours.keys().filter(|field| !real.contains_key(*field));
    real.keys()
        .chain(added)
        .map(|field| {
            (field, real.get(field).unwrap_or(&Value::Null), ours.get(field).unwrap_or(&Value::Null))
        })
        .filter(|(_, real, ours)| !alike(real, ours))
        .map(|(field, real, ours)| (field.clone(), real.clone(), ours.clone()))
        .collect()
}

fn alike(real: &Value, ours: &Value) -> bool {
    match (real, ours) {
        (Value::Object(real), Value::Object(ours)) => {
            real.keys().eq(ours.keys()) && real.iter().all(|(name, value)| alike(value, &ours[name]))
        }
        (Value::String(real), Value::String(ours)) => real == ours || same_kind(real, ours),
        _ => real == ours,
    }
}

/// Of texts that no two platforms have in common: random codes, ports, and tokens, whose length changes with the digits of
/// the times in them.
fn same_kind(real: &str, ours: &str) -> bool {
    let class = |text: &str| text.strip_prefix('<')?.strip_suffix("+ chars>")?.parse::<usize>().ok();
    if let (Some(real), Some(ours)) = (class(real), class(ours)) {
        return real.abs_diff(ours) <= 20;
    }
    kind_of(real) == kind_of(ours)
}

fn kind_of(text: &str) -> String {
    let kind = |word: &str| {
        let all = |is: fn(&u8) -> bool| word.as_bytes().iter().all(is);
        match word.len() {
            5 if all(u8::is_ascii_digit) => "PORT".to_owned(),
            8 if all(u8::is_ascii_uppercase) => "USER-CODE".to_owned(),
            80 if all(u8::is_ascii_hexdigit) => "DEVICE-CODE".to_owned(),
            _ => word.to_owned(),
        }
    };
    let mut rest = text;
    let mut kinds = String::new();
    while let Some(at) = rest.find(|character: char| !character.is_ascii_alphanumeric()) {
        let (word, more) = rest.split_at(at);
        kinds.push_str(&kind(word));
        let mut characters = more.chars();
        kinds.extend(characters.next());
        rest = characters.as_str();
    }
    kinds + &kind(rest)
}
