//! A server that answers with given bytes, over TLS or not, and keeps what it was asked: for answers that
//! no well-made server gives.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Ends with the process: its thread waits for connections until then.
pub struct Site {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

/// How an answer's connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Closed,
    /// With a reset in place of an end.
    Reset,
    /// The answer's last byte again and again, until nobody reads on.
    Never,
}

impl Site {
    /// Plain http.
    pub fn answering(answer: impl Into<Vec<u8>>, end: End) -> Site {
        let answer = answer.into();
        Site::start(move |mut stream, log| {
            // A connection that ends with something unread is reset.
            let whole = if end == End::Reset { read_some(&mut stream) } else { read_head(&mut stream) };
            log(whole);
            let mut sent = stream.write_all(&answer);
            let endless = [*answer.last().unwrap_or(&b' '); 1 << 16];
            while end == End::Never && sent.is_ok() {
                sent = stream.write_all(&endless);
            }
        })
    }

    /// The profile of somebody, over TLS with this chain.
    pub fn with_tls(identity: &Identity) -> Site {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.clone()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), key)
            .unwrap();
        let config = Arc::new(config);
        Site::start(move |stream, log| {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let head = read_head(&mut stream);
            if head.is_empty() {
                return; // the certificate was not taken
            }
            log(head);
            let _ = stream.write_all(&json(PROFILE));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        })
    }

    fn start(serve: impl Fn(TcpStream, &dyn Fn(String)) + Send + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &|request| log.lock().unwrap().push(request));
            }
        });
        Site { port, requests }
    }

    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn https(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub const PROFILE: &str = r#"{"name":"Ada","email":"ada@acme.test"}"#;

/// A whole answer of 200.
pub fn json(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn read_some(stream: &mut TcpStream) -> String {
    let mut some = [0; 4];
    let _ = stream.read_exact(&mut some);
    let _ = stream.shutdown(Shutdown::Read);
    String::from_utf8_lossy(&some).into_owned()
}

/// A certification authority.
pub struct Authority {
    pub pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a server shows of itself, and its key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Authority { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// An intermediate one below this.
    pub fn below(&self, name: &str) -> Authority {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Authority { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A server certificate for `host`, valid from one year to another.
    pub fn certify(&self, host: &str, years: (i32, i32)) -> Identity {
        let (params, key) = (server(host, years), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }
}

impl Identity {
    /// Sends this authority's certificate along.
    pub fn with(mut self, intermediate: &Authority) -> Identity {
        self.chain.push(intermediate.der.clone());
        self
    }

    /// Vouched for by nobody but itself; `ca`: as if it were an authority.
    pub fn self_signed(host: &str, ca: bool) -> Identity {
        let (mut params, key) = (server(host, GOOD_YEARS), KeyPair::generate().unwrap());
        if ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&key).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }
}

pub const GOOD_YEARS: (i32, i32) = (2020, 2120);

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(host: &str, (from, to): (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    // No system has an authority of that name.
    params.distinguished_name.push(DnType::CommonName, format!("autocom's test of {host}"));
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}
