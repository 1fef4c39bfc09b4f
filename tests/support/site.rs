//! A server that answers with given bytes, over TLS or not, and keeps what it was asked: for answers that
//! no well-made server gives.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

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
        Site::over_tls(identity.config(None), None)
    }

    /// The same for clients alone that show a certificate of `authority`.
    pub fn for_clients_of(authority: &Authority, identity: &Identity) -> Site {
        Site::over_tls(identity.config(Some(authority)), None)
    }

    /// Takes HTTP/2, and answers a request there with what `refusal` makes of its stream; answers HTTP/1.1 as the others do.
    pub fn refusing_http_2(identity: &Identity, refusal: impl Fn(u32) -> Vec<u8> + Send + 'static) -> Site {
        let mut config = identity.config(None);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Site::over_tls(config, Some(Box::new(refusal)))
    }

    fn over_tls(config: ServerConfig, refusal: Option<Box<dyn Fn(u32) -> Vec<u8> + Send>>) -> Site {
        let config = Arc::new(config);
        Site::start(move |stream, log| {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let _ = stream.flush(); // the handshake
            if let (Some(b"h2"), Some(refusal)) = (stream.conn.alpn_protocol(), &refusal) {
                // What is not read would reset the connection before the refusal arrives.
                let _ = stream.sock.set_read_timeout(Some(Duration::from_millis(500)));
                let _ = greet_http_2(&mut stream);
                while let Some(id) = read_http_2_request(&mut stream) {
                    log("HTTP/2".into());
                    let _ = stream.write_all(&refusal(id)).and_then(|()| stream.flush());
                }
                return;
            }
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

/// Reads the client's preface and greets with SETTINGS (RFC 9113, section 3.4).
fn greet_http_2(stream: &mut (impl Read + Write)) -> Option<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).ok()?;
    stream.write_all(&frame(4, 0, &[])).ok()
}

/// Reads up to the next HEADERS frame; answers its stream.
fn read_http_2_request(stream: &mut impl Read) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        if head[3] == 1 {
            return Some(u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        }
    }
}

/// A frame of HTTP/2.
pub fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, 0];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
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
    pub der: CertificateDer<'static>,
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
        self.certify_with(server(host, years))
    }

    fn certify_with(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }
}

impl Authority {
    /// A name that is in the subject alone.
    pub fn certify_by_common_name(&self, host: &str) -> Identity {
        let mut params = server(host, GOOD_YEARS);
        params.subject_alt_names = Vec::new();
        self.certify_with(params)
    }

    /// `host` as a DNS name, though it is an address.
    pub fn certify_as_name(&self, host: &str) -> Identity {
        let mut params = server(host, GOOD_YEARS);
        params.subject_alt_names = vec![SanType::DnsName(host.try_into().unwrap())];
        self.certify_with(params)
    }

    pub fn certify_client(&self, host: &str) -> Identity {
        let mut params = server(host, GOOD_YEARS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.certify_with(params)
    }
}

impl Identity {
    /// Says that it is X.509 version 1.
    pub fn of_version_1(mut self) -> Identity {
        let mut der = self.chain[0].to_vec();
        let version = [0xa0, 3, 2, 1, 2];
        let at = der.windows(5).position(|bytes| bytes == version).unwrap();
        der[at + 4] = 0;
        self.chain[0] = der.into();
        self
    }

    fn config(&self, clients: Option<&Authority>) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        // Unlike `with_single_cert` this takes certificates of any kind.
        let key = provider.key_provider.load_private_key(key).unwrap();
        builder
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(self.chain.clone(), key))))
    }

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
