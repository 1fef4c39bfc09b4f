//! The server of `api-stream`: std only, so that `rustc -O` makes it, and never the limit.
//!
//! GET /api/v1/bytes/N answers with N bytes; whatever is posted is read to its end and counted.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || drop(serve(stream)));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_ascii_lowercase());
        }
        if lines.iter().any(|line| line == "expect: 100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse::<u64>().ok());
        let received = match length {
            Some(length) => discard(&mut reader, length)?,
            None if lines.iter().any(|line| line == "transfer-encoding: chunked") => chunked(&mut reader)?,
            None => 0,
        };
        if let Some(size) = path.rsplit_once("/bytes/").and_then(|(_, size)| size.parse::<u64>().ok()) {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {size}\r\n\r\n")?;
            let block = [b'x'; 1 << 18];
            let mut left = size;
            while left > 0 {
                let part = left.min(block.len() as u64) as usize;
                stream.write_all(&block[..part])?;
                left -= part as u64;
            }
        } else {
            let body = format!("{{\"name\":\"Ada\",\"email\":\"ada@example.test\",\"received\":{received}}}");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
            write!(stream, "{head} {}\r\n\r\n{body}", body.len())?;
        }
    }
}

fn discard(reader: &mut impl BufRead, mut left: u64) -> std::io::Result<u64> {
    let whole = left;
    while left > 0 {
        let part = (reader.fill_buf()?.len() as u64).min(left);
        if part == 0 {
            return Ok(whole - left);
        }
        reader.consume(part as usize);
        left -= part;
    }
    Ok(whole)
}

fn chunked(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut received = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16).unwrap_or(0);
        received += discard(reader, size)?;
        let mut end = [0; 2];
        reader.read_exact(&mut end)?;
        if size == 0 {
            return Ok(received);
        }
    }
}
