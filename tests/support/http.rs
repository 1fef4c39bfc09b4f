//! One plain HTTP request, as anybody on this machine could send it to the callback port.

use std::io::{Read, Write};
use std::net::TcpStream;

use url::Url;

/// The status and the page of `GET url`.
pub fn get(url: &str) -> (u16, String) {
    let url = Url::parse(url).unwrap();
    let authority = url.authority();
    let mut stream = TcpStream::connect(authority).unwrap();
    let target = &url[url::Position::BeforePath..];
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer.split_once("\r\n\r\n").map(|(_, page)| page.to_owned()).unwrap_or_default())
}
