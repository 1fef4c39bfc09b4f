//! A server that repeats the secrets that it is sent, and the search for them in what autocom wrote.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::form_urlencoded;

/// How many characters of a secret in a row are too many.
const RUN: usize = 16;

/// One request.
pub struct Asked {
    pub path: String,
    /// The secret in it: the bearer token, else a refresh token, device code or code of the form.
    pub secret: String,
}

/// What it answers, but for what HTTP needs.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(status: u16, body: serde_json::Value) -> Answer {
        Answer { status, headers: Vec::new(), body: body.to_string() }
    }
}

/// Ends with the process.
pub struct Echo {
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let keep = heard.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some((asked, secrets)) = read(&mut stream) else { continue };
                keep.lock().unwrap().extend(secrets);
                let Answer { status, headers, body } = answer(&asked);
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n", body.len());
                let answer =
                    format!("{head}content-type: application/json\r\nconnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Echo { port, heard }
    }

    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1", self.port)
    }

    /// Every secret that was sent here.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn read(stream: &mut TcpStream) -> Option<(Asked, Vec<String>)> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    let (head, mut body) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), body.to_owned());
        }
        let length = stream.read(&mut some).ok().filter(|length| *length > 0)?;
        bytes.extend(&some[..length]);
    };
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
    while body.len() < length {
        let length = stream.read(&mut some).ok()?;
        body += &String::from_utf8_lossy(&some[..length]);
    }
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let named = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let in_form = ["refresh_token", "device_code", "code", "code_verifier"].into_iter().filter_map(named);
    let secrets: Vec<String> = bearer.into_iter().chain(in_form).collect();
    let path = head.split(' ').nth(1)?.to_owned();
    let asked = Asked { path, secret: secrets.first().cloned().unwrap_or_default() };
    Some((asked, secrets))
}

/// The ways in which a server may write `secret`.
pub fn spellings(secret: &str) -> Vec<String> {
    vec![
        secret.to_owned(),
        format!("<{}…", &secret[..secret.len() - 4]),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        STANDARD.encode(secret),
        URL_SAFE.encode(format!("Bearer {secret}")),
    ]
}

/// The part of `text` that tells a run of `secret`, as it is, percent-encoded or in base64.
pub fn told(text: &str, secret: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut needles: Vec<String> = Vec::new();
    for at in 0..=secret.len().checked_sub(RUN)? {
        needles.push(secret[at..at + RUN].to_owned());
        // Of what is encoded in the middle of a text, the characters at the edges may be others.
        let encoded = STANDARD.encode(&secret[at..at + RUN]);
        needles.push(encoded[2..RUN].to_owned());
    }
    let standard = decoded.replace('-', "+").replace('_', "/");
    needles
        .into_iter()
        .find(|part| [text, &decoded, &standard].iter().any(|text| text.contains(part.as_str())))
}
