//! The answers of `api`, each as a document of its own or all in one list.

use std::io::{self, Write};

use http::StatusCode;
use http::header::HeaderMap;

use crate::domain::{Json, OutputFormat, one_line};
use crate::session::answers::api::{Page, Part};
use crate::session::call::stream::Sink;
use crate::system::http::without_bom;
use crate::ui::output::Output;
use crate::ui::yaml;

pub(super) struct Documents {
    pub output: Output,
    /// `-i`: status and headers too.
    pub include: bool,
    /// Whether more than one may come, so that each must end its line.
    pub several: bool,
    /// `--slurp`: all of them in one list.
    pub slurp: bool,
    pub written: u64,
    /// `--slurp` with `--jq`, which is applied to all of it: the list as far as it goes.
    pub list: Vec<u8>,
}

impl Sink<Part> for Documents {
    fn take(&mut self, part: Part) -> io::Result<()> {
        match part {
            Part::Page(page) => self.page(page),
            Part::Head(status, headers) if self.include => put(&head(status, &headers)),
            Part::Head(..) => Ok(()),
            Part::Chunk(bytes) => put(&bytes),
        }
    }
}

impl Documents {
    fn page(&mut self, page: Page) -> io::Result<()> {
        let mut text = Vec::new();
        if self.include {
            text.extend(head(page.status, &page.headers));
        }
        // The answer that ends it all is told on stderr; in the list it would pass for a page.
        let is_whole = !self.slurp && self.output.jq.is_none();
        if is_whole || page.status.is_success() {
            // In a list an answer without a body is an element, too.
            let is_empty = self.slurp && page.status == StatusCode::NO_CONTENT;
            match self.is_read().then(|| if is_empty { Some(&Json::Null) } else { page.json() }).flatten() {
                Some(json) if is_empty => self.document(json, b"null", &mut text)?,
                Some(json) => self.document(json, &page.body, &mut text)?,
                None if self.only_json() => {} // The session says that it is nonsense, unless it is empty.
                None => text.extend(self.raw(&page.body)),
            }
            self.written += 1;
        }
        put(&text)
    }

    /// The end of the list, if it is one. A reader that has gone away is no error here.
    pub(super) fn end(mut self) -> io::Result<()> {
        if let Some(expression) = self.output.jq.filter(|_| self.slurp) {
            self.list.extend(if self.written == 0 { &b"[]"[..] } else { b"]" });
            return put(self.output.filtered(expression, &self.list)?.as_bytes());
        }
        if !self.slurp || self.output.format == OutputFormat::Yaml {
            return Ok(());
        }
        match put(if self.draws() { b"\n]\n" } else { b"]\n" }) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Whether nothing but JSON, or YAML of it, may be written.
    pub(super) fn only_json(&self) -> bool {
        self.slurp || self.output.format != OutputFormat::Table
    }

    /// Whether an answer can be handed on as it comes, part by part.
    pub(super) fn streams(&self) -> bool {
        !self.is_read()
    }

    /// Whether it matters what is in an answer.
    fn is_read(&self) -> bool {
        self.only_json() || self.several || self.draws()
    }

    /// Whether JSON is drawn anew, for people or because they ask for it. Programs get its very bytes.
    fn draws(&self) -> bool {
        self.output.terminal || self.output.format == OutputFormat::Json
    }

    fn document(&mut self, json: &Json, bytes: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        let first = self.written == 0;
        if let Some(expression) = self.output.jq {
            if self.slurp {
                self.list.push(if first { b'[' } else { b',' });
                self.list.extend(without_bom(bytes));
            } else {
                text.extend(self.output.filtered(expression, without_bom(bytes))?.into_bytes());
            }
            return Ok(());
        }
        if self.output.format == OutputFormat::Yaml {
            if first || !self.slurp {
                text.extend(b"---\n");
            }
            let json = if self.slurp { &Json::Array(vec![json.clone()]) } else { json };
            text.extend(yaml::draw(json).into_bytes());
            return Ok(());
        }
        if self.slurp {
            text.push(if first { b'[' } else { b',' });
        }
        if !self.draws() {
            let bytes = without_bom(bytes);
            text.extend(if self.slurp { bytes.trim_ascii() } else { bytes });
        } else if self.slurp {
            for line in self.output.others_json(serde_json::to_string_pretty(json)?).split('\n') {
                text.extend(b"\n  ");
                text.extend(line.bytes());
            }
        } else {
            text.extend(self.output.others_json(serde_json::to_string_pretty(json)?).into_bytes());
        }
        if !self.slurp && (self.several || self.draws()) && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        Ok(())
    }

    /// What is no JSON goes out as it is, but for what would steer a terminal.
    fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        if !self.output.terminal || bytes.is_empty() {
            return bytes.to_vec();
        }
        let text = String::from_utf8_lossy(bytes);
        text.lines().flat_map(|line| (one_line(line).into_owned() + "\n").into_bytes()).collect()
    }
}

fn head(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut text = format!("HTTP {status}\n");
    for (name, value) in headers {
        text += &format!("{name}: {}\n", one_line(&String::from_utf8_lossy(value.as_bytes())));
    }
    (text + "\n").into_bytes()
}

fn put(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
