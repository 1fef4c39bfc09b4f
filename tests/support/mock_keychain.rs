//! A Secret Service in memory, for what gnome-keyring never does: it has no encrypted sessions, and any of
//! its methods answers with an error on demand. One collection, never locked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use zbus::blocking::{Connection, MessageIterator};
use zbus::message::Type;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::secret_service::{LOGIN, SecretService};

type Attributes = HashMap<String, String>;
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

pub struct MockKeychain {
    _bus: Connection,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    items: BTreeMap<String, (Attributes, Vec<u8>)>,
    made: usize,
    refuse: Option<Refusal>,
    refused: usize,
}

struct Refusal {
    method: &'static str,
    error: &'static str,
    text: String,
}

impl MockKeychain {
    pub fn on(service: &SecretService) -> MockKeychain {
        let bus = service.own_name();
        let state = Arc::<Mutex<State>>::default();
        let (calls, answers, items) = (MessageIterator::from(bus.clone()), bus.clone(), state.clone());
        std::thread::spawn(move || {
            for call in calls.flatten().filter(|call| call.message_type() == Type::MethodCall) {
                items.lock().unwrap().answer(&answers, &call);
            }
        });
        MockKeychain { _bus: bus, state }
    }

    /// From now on `method` answers with this error. Answers how often the last one was refused.
    pub fn refuse(&self, method: &'static str, error: &'static str, text: &str) -> usize {
        let mut state = self.state.lock().unwrap();
        state.refuse = Some(Refusal { method, error, text: text.to_owned() });
        std::mem::take(&mut state.refused)
    }

    /// The accounts of all items.
    pub fn accounts(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap()
            .items
            .values()
            .map(|(attributes, _)| attributes["username"].clone())
            .collect()
    }
}

impl State {
    fn answer(&mut self, bus: &Connection, call: &zbus::Message) {
        let header = call.header();
        let (path, body) = (header.path().unwrap().to_string(), call.body());
        let member = header.member().unwrap().to_string();
        if let Some(refusal) = self.refuse.as_ref().filter(|it| it.method == member) {
            self.refused += 1;
            return fail(bus, call, refusal.error, &refusal.text);
        }
        let no_prompt = ObjectPath::try_from("/").unwrap();
        match member.as_str() {
            "OpenSession" => {
                let (algorithm, _): (String, OwnedValue) = body.deserialize().unwrap();
                match algorithm.as_str() {
                    "plain" => reply(bus, call, &(Value::from(""), ObjectPath::try_from("/s").unwrap())),
                    _ => fail(bus, call, "org.freedesktop.DBus.Error.NotSupported", "algorithm"),
                }
            }
            "SearchItems" => {
                let wanted: Attributes = body.deserialize().unwrap();
                let matches =
                    |has: &Attributes| wanted.iter().all(|(name, value)| has.get(name) == Some(value));
                let found = self.items.iter().filter(|(_, (has, _))| matches(has));
                let found: Vec<_> =
                    found.map(|(path, _)| ObjectPath::try_from(path.as_str()).unwrap()).collect();
                reply(bus, call, &(found, Vec::<ObjectPath<'_>>::new()));
            }
            "ReadAlias" => reply(bus, call, &ObjectPath::try_from(LOGIN).unwrap()),
            // Only whether something is locked is ever asked for.
            "Get" => reply(bus, call, &Value::from(false)),
            "CreateItem" => {
                let (mut properties, secret, _): (HashMap<String, OwnedValue>, Secret, bool) =
                    body.deserialize().unwrap();
                let attributes = properties.remove("org.freedesktop.Secret.Item.Attributes").unwrap();
                self.made += 1;
                let path = format!("{LOGIN}/{}", self.made);
                self.items.insert(path.clone(), (attributes.try_into().unwrap(), secret.2));
                reply(bus, call, &(ObjectPath::try_from(path).unwrap(), no_prompt));
            }
            "GetSecret" => {
                let session: OwnedObjectPath = body.deserialize().unwrap();
                let secret = self.items[&path].1.clone();
                reply(bus, call, &((session, Vec::<u8>::new(), secret, "text/plain"),));
            }
            "SetSecret" => {
                let (secret,): (Secret,) = body.deserialize().unwrap();
                self.items.get_mut(&path).unwrap().1 = secret.2;
                reply(bus, call, &());
            }
            "Delete" => {
                self.items.remove(&path);
                reply(bus, call, &no_prompt);
            }
            _ => fail(bus, call, "org.freedesktop.DBus.Error.UnknownMethod", &member),
        }
    }
}

fn reply<B: serde::Serialize + DynamicType>(bus: &Connection, call: &zbus::Message, body: &B) {
    let message = zbus::Message::method_return(&call.header()).unwrap().build(body).unwrap();
    bus.send(&message).unwrap();
}

fn fail(bus: &Connection, call: &zbus::Message, error: &str, text: &str) {
    let message = zbus::Message::error(&call.header(), error).unwrap().build(&(text,)).unwrap();
    bus.send(&message).unwrap();
}
