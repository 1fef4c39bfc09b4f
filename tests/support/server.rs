//! A small server that answers each request with exact bytes, for the habits of authorization servers that the
//! sandbox does not have.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::World;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Such as `POST /oauth/token`, without a query.
    pub endpoint: String,
    pub form: Vec<(String, String)>,
}

impl Asked {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Ends with the process.
pub struct Server {
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> String + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let log = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = read(&mut stream) else { continue };
                log.lock().unwrap().push(request.clone());
                let _ = stream.write_all(answer(&request).as_bytes());
            }
        });
        Server { origin, asked }
    }

    pub fn api_url(&self) -> String {
        format!("{}/api/v1", self.origin)
    }

    /// Every request so far to this endpoint.
    pub fn asked(&self, endpoint: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.endpoint == endpoint).cloned().collect()
    }

    /// Stores a login of ada for the profile `local`, with `more` fields of the record in place of the usual ones.
    pub fn logged_in(&self, more: Value) -> World {
        let (world, api_url) = (World::new(), self.api_url());
        world.config(&format!("profile = \"local\"\n[profiles.local]\napi_url = \"{api_url}\"\n"));
        let mut record = json!({
            "version": 1, "access_token": "stored-access", "refresh_token": "stored-refresh", "kind": "oauth",
            "user_name": "Ada", "user_email": "ada@example.test", "tenant": "acme", "api_url": api_url,
            "client_id": "cli", "logged_in_at": "2026-01-01T00:00:00Z", "written_at": "2026-01-01T00:00:00Z",
        });
        for (field, value) in more.as_object().unwrap() {
            record[field] = value.clone();
        }
        world.write("credentials", &json!({ "version": 1, "credentials": { api_url: record } }).to_string());
        world
    }
}

/// The bytes of an answer as these servers write them.
pub fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

pub const ADA: &str =
    r#"{"id":1,"name":"Ada","email":"ada@example.test","current_tenant":"acme","tenants":["acme"]}"#;

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    let (head, body) = loop {
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        bytes.extend(&chunk[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if body.len() >= header(head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut line = head.split(' ');
    let (method, target) = (line.next()?, line.next()?);
    let path = target.split('?').next()?;
    Some(Asked {
        endpoint: format!("{method} {path}"),
        form: form_urlencoded::parse(body.as_bytes()).into_owned().collect(),
    })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name));
    head.lines().find_map(named).map(|(_, value)| value)
}
