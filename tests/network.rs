//! Being a good client on bad roads: certificates, proxies, redirects, retries, and answers that are none.
//! The sentences are pinned: each trouble has its own, with its exit code and what to do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::platform::{Fault, Options, Sandbox};
use crate::support::site::{Authority, End, GOOD_YEARS, Identity, PROFILE, Site, frame, json};
use crate::support::{Outcome, World};

const TOKEN: &str = "token-of-ada-0123456789";

/// A world whose token is a variable's, for this platform.
fn world_at(url: &str) -> World {
    let mut world = World::new();
    world.set("AUTOCOM_API_URL", url).set("AUTOCOM_TOKEN", TOKEN);
    world.plant(TOKEN);
    world
}

fn shown(outcome: &Outcome, port: u16) -> String {
    outcome.shown(&[(&format!(":{port}"), ":PORT")])
}

#[test]
fn a_certificate_is_taken_for_what_it_is() {
    let (ca, other) = (Authority::new("private CA"), Authority::new("other CA"));
    let intermediate = ca.below("intermediate CA");
    let good = || ca.certify("localhost", GOOD_YEARS);
    let ask = |identity: &Identity| {
        let site = Site::with_tls(identity);
        let mut world = world_at(&site.https());
        world.write("ca.pem", &ca.pem);
        world.set("AUTOCOM_CA_BUNDLE", world.path("ca.pem").display().to_string());
        (world.run("whoami"), site)
    };
    for identity in [good(), intermediate.certify("localhost", GOOD_YEARS).with(&intermediate)] {
        let (outcome, site) = ask(&identity);
        assert!(outcome.ok().stdout.contains("ada@acme.test"));
        assert!(site.requests()[0].contains(&format!("authorization: Bearer {TOKEN}")));
    }
    let mut sentences = String::new();
    for (name, identity) in [
        ("expired", ca.certify("localhost", (2000, 2001))),
        ("not yet valid", ca.certify("localhost", (2100, 2101))),
        ("wrong host", ca.certify("shop.test", GOOD_YEARS)),
        ("self-signed", Identity::self_signed("localhost", false)),
        ("self-signed as a CA", Identity::self_signed("localhost", true)),
        ("another CA", other.certify("localhost", GOOD_YEARS)),
        ("intermediate missing", intermediate.certify("localhost", GOOD_YEARS)),
        ("no names", ca.certify_by_common_name("localhost")),
        ("for clients", ca.certify_client("localhost")),
        ("version 1", good().of_version_1()),
    ] {
        let (outcome, site) = ask(&identity);
        assert_eq!(site.requests().len(), 0, "{name}: something was sent");
        sentences += &format!("{name}: {}\n", shown(&outcome.code(3), site.port));
    }
    insta::assert_snapshot!(sentences, @r"
    expired: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate has expired (or this machine's clock is wrong)
    hint: check this machine's clock (date -u); if it is right, tell who runs localhost

    not yet valid: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is not valid yet (or this machine's clock is wrong)
    hint: check this machine's clock (date -u); if it is right, tell who runs localhost

    wrong host: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is for shop.test
    hint: check the address: autocom config get api_url

    self-signed: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is from an unknown authority, or comes without its intermediate ones
    hint: if it is an authority of your own: autocom config set ca_bundle FILE.pem

    self-signed as a CA: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is a CA's own (self-signed?), which is no server certificate
    hint: tell who runs localhost; to see it: openssl s_client -connect localhost:PORT

    another CA: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is from an unknown authority, or comes without its intermediate ones
    hint: if it is an authority of your own: autocom config set ca_bundle FILE.pem

    intermediate missing: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is from an unknown authority, or comes without its intermediate ones
    hint: if it is an authority of your own: autocom config set ca_bundle FILE.pem

    no names: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate has no subject alternative names (its common name does not count)
    hint: tell who runs localhost; to see it: openssl s_client -connect localhost:PORT

    for clients: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: the extended key usage of its certificate does not allow it to be a server's
    hint: tell who runs localhost; to see it: openssl s_client -connect localhost:PORT

    version 1: exit 3
    --- stderr
    error: no trusted connection to localhost:PORT: its certificate is X.509 version 1, and version 3 is required
    hint: tell who runs localhost; to see it: openssl s_client -connect localhost:PORT
    ");
}

#[test]
fn what_a_server_wants_and_how_it_spells_an_address_are_told_apart() {
    let ca = Authority::new("private CA");
    let ask = |url: String| {
        let mut world = world_at(&url);
        world.write("ca.pem", &ca.pem);
        world.set("AUTOCOM_CA_BUNDLE", world.path("ca.pem").display().to_string());
        world.run("whoami").code(3)
    };
    let site = Site::with_tls(&ca.certify_as_name("127.0.0.1"));
    ask(site.https().replace("localhost", "127.0.0.1"))
        .says("its certificate has 127.0.0.1 as a DNS name, where an IP address is required");
    let site = Site::for_clients_of(&ca, &ca.certify("localhost", GOOD_YEARS));
    ask(site.https()).says("it requires a client certificate, which autocom does not support");
    assert_eq!(site.requests().len(), 0);
}

#[test]
fn http_2_that_is_refused_becomes_http_1_and_nothing_is_done_twice() {
    const NO_ERROR: [u8; 4] = [0, 0, 0, 0];
    const HTTP_1_1_REQUIRED: [u8; 4] = [0, 0, 0, 0xd];
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
    type Refusal = Box<dyn Fn(u32) -> Vec<u8> + Send>;
    let go_away = |last_stream: u32, code: [u8; 4]| -> Refusal {
        Box::new(move |_| frame(7, 0, &[&last_stream.to_be_bytes()[..], &code].concat()))
    };
    let reset = |code: [u8; 4]| -> Refusal { Box::new(move |stream| frame(3, stream, &code)) };
    let plain: Refusal = Box::new(|_| b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec());
    let ca = Authority::new("private CA");
    // What is answered, and how often a request that changes something is then sent: again only if nothing was done.
    for (name, refusal, sent) in [
        ("HTTP/1.1 is required", reset(HTTP_1_1_REQUIRED), 2),
        ("the connection goes away before the request", go_away(0, NO_ERROR), 2),
        ("HTTP/1.1 is required of the connection", go_away(0, HTTP_1_1_REQUIRED), 2),
        ("something in between speaks 1.1", plain, 2),
        ("each stream is refused", reset(REFUSED_STREAM), 4),
        ("the connection goes away after the request", go_away(1, NO_ERROR), 1),
        ("the server fails", reset(INTERNAL_ERROR), 1),
    ] {
        let site = Site::refusing_http_2(&ca.certify("localhost", GOOD_YEARS), refusal);
        let mut world = world_at(&site.https());
        world.write("ca.pem", &ca.pem);
        world.set("AUTOCOM_CA_BUNDLE", world.path("ca.pem").display().to_string());
        let outcome = world.run("api POST orders -f a=b --tenant acme");
        let requests = site.requests();
        assert_eq!(requests.len(), sent, "{name}: {requests:?}\n{}", outcome.stderr);
        assert_eq!(outcome.code == 0, sent == 2, "{name}: {}", outcome.stderr);
        let (first, later) = requests.split_first().unwrap();
        assert_eq!(first, "HTTP/2", "{name}");
        let in_1_1 = |head: &String| head.starts_with("POST /api/v1/orders HTTP/1.1");
        assert!(sent != 2 || later.iter().all(in_1_1), "{name}: {requests:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn connecting_may_take_as_long_as_a_request() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    // Whose queue of connections is full: what comes later gets no answer at all.
    let full = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&full, &std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&full, 0).unwrap();
    let address: std::net::SocketAddr = getsockname(&full).unwrap().try_into().unwrap();
    let brief = std::time::Duration::from_millis(100);
    let _waiting: Vec<_> = (0..3).map(|_| TcpStream::connect_timeout(&address, brief)).collect();
    let outcome = world_at(&format!("http://{address}")).run("api profile --request-timeout 11").code(3);
    outcome
        .says(&address.to_string())
        .says(
            " 11 s
",
        )
        .says("--request-timeout");
}

#[test]
fn a_body_that_is_empty_has_a_length() {
    let site = Site::answering(json("{}"), End::Closed);
    let world = world_at(&site.http());
    for method in ["POST", "PUT", "PATCH"] {
        world.run(&format!("api {method} orders --tenant acme")).ok();
        let head = site.requests().pop().unwrap().to_ascii_lowercase();
        assert!(head.contains("\r\ncontent-length: 0\r\n"), "{head}");
    }
    world.run("api DELETE orders/1 --tenant acme").ok();
}

#[test]
fn authorities_of_our_own_add_to_the_systems() {
    let (ours, systems) = (Authority::new("ours"), Authority::new("the system's"));
    let site = Site::with_tls(&ours.certify("localhost", GOOD_YEARS));
    let systems_site = Site::with_tls(&systems.certify("localhost", GOOD_YEARS));
    let mut world = world_at(&site.https());
    world.write("system.pem", &systems.pem);
    world.write("certificates/ours.pem", &ours.pem);
    world.set("SSL_CERT_FILE", world.path("system.pem").display().to_string());
    world.run("whoami").code(3).says("ca_bundle FILE.pem");
    // By the file, from its own folder; typed, from here; by the home's name.
    world.config("ca_bundle = \"certificates/ours.pem\"\n");
    world.run("whoami").ok();
    world.config("");
    world.run("config set ca_bundle .autocom/certificates/ours.pem").ok();
    let absolute = world.path("certificates/ours.pem").display().to_string();
    assert_eq!(world.run("config get ca_bundle").ok().stdout, format!("{absolute}\n"));
    world.run("whoami").ok();
    world.config("ca_bundle = \"~/.autocom/certificates/ours.pem\"\n");
    world.run("whoami").ok();
    world.set("AUTOCOM_API_URL", systems_site.https());
    world.run("whoami").ok();

    // One that can't be used is a mistake in the settings, but only once the network is needed.
    world.write("not.pem", "hello\n");
    world.write("half.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    for (path, why) in [
        ("nowhere.pem", "cannot be read: No such file or directory"),
        ("not.pem", "contains no PEM certificate"),
        ("half.pem", "contains no valid certificate"),
    ] {
        world.config(&format!("tenant = \"acme\"\nca_bundle = \"{path}\"\n"));
        let outcome = world.run("whoami").code(2).says(why).says("config.toml:2)");
        outcome.says(&format!(".autocom/{path} ")).says("hint: see where it comes from: autocom config list");
        world.run("config list").ok();
    }
    let bundle = world.path("bundle.pem");
    world.set("AUTOCOM_CA_BUNDLE", bundle.display().to_string()).set("AUTOCOM_API_URL", site.https());
    let utf_16: Vec<u8> = format!("\u{feff}{}", ours.pem).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, why) in [
        (ours.der.to_vec(), "is DER, not PEM (from AUTOCOM_CA_BUNDLE)"),
        (utf_16, "is UTF-16 text, not PEM (from AUTOCOM_CA_BUNDLE)"),
    ] {
        std::fs::write(&bundle, bytes).unwrap();
        // The hint is the command that converts it.
        let outcome = world.run("whoami").code(2).says(why);
        let convert = outcome.stderr.lines().last().unwrap().strip_prefix("hint: ").unwrap();
        let convert = convert.split("; autocom").next().unwrap();
        assert!(world.shell(convert).status().unwrap().success(), "{convert}");
        assert!(world.read("bundle.converted.pem").contains("-----BEGIN CERTIFICATE-----"), "{convert}");
    }
    // One broken certificate does not spoil the others.
    std::fs::write(&bundle, format!("{}{}", world.read("half.pem"), ours.pem)).unwrap();
    world.run("whoami").ok();
    world.set("AUTOCOM_API_URL", systems_site.https()).set("SSL_CERT_FILE", "nowhere.pem");
    let outcome = world.run("whoami").code(3);
    outcome.says("certificate 1 of the `ca_bundle` ").says("hint: replace certificate 1 of ");
    std::fs::write(&bundle, &ours.pem).unwrap();
    world
        .run("whoami")
        .code(3)
        .says("SSL_CERT_FILE names nowhere.pem, which is not a file")
        .says("hint: unset SSL_CERT_FILE");
    world.set("AUTOCOM_CA_BUNDLE", "nowhere.pem");
    world.run("whoami").code(2).says("(from AUTOCOM_CA_BUNDLE)");
}

#[test]
fn answers_that_are_none_have_a_sentence_each() {
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let status = |line: &str, body: &str| {
        format!("HTTP/1.1 {line}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
            .into_bytes()
    };
    let half = [head(100).as_bytes(), &PROFILE.as_bytes()[..20]].concat();
    let compressed = |text: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    };
    let as_gzip = |body: &[u8]| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let bomb = as_gzip(&compressed(&vec![b' '; 20 << 20]));
    let sound = compressed(PROFILE.as_bytes());
    let mut corrupt = sound.clone();
    corrupt[12..20].fill(0xff);
    let invalid = r#"{"message":"The given data was invalid.","errors":{"slug":["Taken.","Too short."],"name":["Missing."]}}"#;
    let cases = [
        ("HTML", json("<!doctype html>"), End::Closed),
        ("JSON cut short", json(&PROFILE[..20]), End::Closed),
        ("no JSON", json("hello"), End::Closed),
        ("an empty body", json(""), End::Closed),
        ("a truncated body", half.clone(), End::Closed),
        ("a reset", half, End::Reset),
        ("no answer", Vec::new(), End::Closed),
        ("100 MB", head(100 << 20).into_bytes(), End::Never),
        ("an endless body", b"HTTP/1.1 200 OK\r\n\r\n ".to_vec(), End::Never),
        ("a bomb", bomb, End::Closed),
        ("text for gzip", as_gzip(PROFILE.as_bytes()), End::Closed),
        ("corrupt gzip", as_gzip(&corrupt), End::Closed),
        ("half of a gzip", as_gzip(&sound[..sound.len() / 2]), End::Closed),
        ("gzip cut short", as_gzip(&sound)[..as_gzip(&sound).len() - 9].to_vec(), End::Closed),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n".to_vec(), End::Closed),
        (
            "401",
            status("401 Unauthorized\r\nx-request-id: r-1", r#"{"message":"Unauthenticated."}"#),
            End::Closed,
        ),
        ("403", status("403 Forbidden\r\nx-request-id: r-1", r#"{"message":"Not yours."}"#), End::Closed),
        ("404", status("404 Not Found", "<html>nginx</html>"), End::Closed),
        ("422", status("422 Unprocessable Content", invalid), End::Closed),
        ("429", status("429 Too Many Requests", r#"{"message":"Too Many Attempts."}"#), End::Closed),
        ("429 with a long wait", status("429 Too Many Requests\r\nretry-after: 3600", ""), End::Closed),
        (
            "500",
            status("500 Internal Server Error\r\nx-request-id: r-1", r#"{"message":"Server Error"}"#),
            End::Closed,
        ),
        ("503", status("503 Service Unavailable", "<html>"), End::Closed),
        ("a login page", status("302 Found\r\nlocation: /login", ""), End::Closed),
    ];
    let seen = std::thread::scope(|scope| {
        let asked: Vec<_> = cases
            .into_iter()
            .map(|(name, answer, end)| {
                scope.spawn(move || {
                    let site = Site::answering(answer, end);
                    let outcome = world_at(&site.http()).run("whoami");
                    let times = site.requests().len();
                    format!("{name} (asked {times}x): {}\n", shown(&outcome, site.port))
                })
            })
            .collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect::<String>()
    });
    insta::assert_snapshot!(seen, @r"
    HTML (asked 1x): exit 1
    --- stderr
    error: the answer came from something between here and the platform (HTML, status 200)
    hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url

    JSON cut short (asked 1x): exit 1
    --- stderr
    error: the JSON of the answer ends too soon
    hint: try again; -vv logs what was sent and answered

    no JSON (asked 1x): exit 1
    --- stderr
    error: the answer is not JSON

    an empty body (asked 1x): exit 1
    --- stderr
    error: the answer is empty

    a truncated body (asked 1x): exit 3
    --- stderr
    error: 127.0.0.1:PORT closed the connection before its answer was complete
    hint: try again; -vv logs what was sent and answered

    a reset (asked 1x): exit 3
    --- stderr
    error: the connection to 127.0.0.1:PORT was reset in the middle of the answer
    hint: try again; -vv logs what was sent and answered

    no answer (asked 4x): exit 3
    --- stderr
    error: 127.0.0.1:PORT closed the connection without an answer
    hint: try again; -vv logs what was sent and answered

    100 MB (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is larger than 8 MiB

    an endless body (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is larger than 8 MiB

    a bomb (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is larger than 8 MiB

    text for gzip (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is not gzip, although its header says so
    hint: try again; -vv logs what was sent and answered

    corrupt gzip (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is not gzip, although its header says so
    hint: try again; -vv logs what was sent and answered

    half of a gzip (asked 1x): exit 1
    --- stderr
    error: the answer of 127.0.0.1:PORT is not gzip, although its header says so
    hint: try again; -vv logs what was sent and answered

    gzip cut short (asked 1x): exit 3
    --- stderr
    error: 127.0.0.1:PORT closed the connection before its answer was complete
    hint: try again; -vv logs what was sent and answered

    no HTTP (asked 1x): exit 3
    --- stderr
    error: 127.0.0.1:PORT does not speak HTTP
    hint: check the address: autocom config get api_url

    401 (asked 1x): exit 4
    --- stderr
    error: the platform rejected the token (request r-1)
    hint: unset or replace AUTOCOM_TOKEN

    403 (asked 1x): exit 5
    --- stderr
    error: not permitted: Not yours. (request r-1)

    404 (asked 1x): exit 1
    --- stderr
    error: the answer came from something between here and the platform (HTML, status 404)
    hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url

    422 (asked 1x): exit 1
    --- stderr
    error: the platform found the request invalid: The given data was invalid.
      caused by: name: Missing.
      caused by: slug: Taken. Too short.
    hint: change what is named above, then try again

    429 (asked 4x): exit 1
    --- stderr
    error: too many requests
    hint: wait a minute, then try again

    429 with a long wait (asked 1x): exit 1
    --- stderr
    error: too many requests; the platform asks to wait 3600 s
    hint: wait 3600 s, then try again

    500 (asked 1x): exit 1
    --- stderr
    error: the platform failed with status 500: Server Error (request r-1)
    hint: the platform has a problem; try again later

    503 (asked 4x): exit 1
    --- stderr
    error: the answer came from something between here and the platform (HTML, status 503)
    hint: try again later; or check the address: autocom config get api_url

    a login page (asked 1x): exit 4
    --- stderr
    error: the platform sent us to its login page http://127.0.0.1:PORT/login in place of an answer
    hint: unset or replace AUTOCOM_TOKEN
    ");
}

#[test]
fn an_address_that_leads_nowhere_has_a_sentence_too() {
    let outcome = world_at("https://nowhere.invalid").run("whoami").code(3);
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 3
    --- stderr
    error: no address is known for nowhere.invalid
    hint: check the address: autocom config get api_url
    ");
    let outcome = world_at("http://127.0.0.1:1").run("whoami").code(3);
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 3
    --- stderr
    error: nothing accepts connections at 127.0.0.1:1
    hint: check the address: autocom config get api_url
    ");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["http", "https"] {
        let world = world_at(&format!("{scheme}://127.0.0.1:{port}"));
        let outcome = world.run("whoami --request-timeout 0.2").code(3);
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&outcome, port), @r"
            exit 3
            --- stderr
            error: 127.0.0.1:PORT did not answer within 0.2 s
            hint: try again, or allow more time: --request-timeout SECONDS
            ");
        }
    }
}

#[test]
fn no_redirect_takes_the_token_to_another_origin() {
    let start = || Sandbox::start(Options::default()).unwrap();
    let (ours, theirs) = (start(), start());
    let token = ours.mint_pat("ada", None);
    let mut world = world_at(&ours.api_url());
    world.plant(&token);
    world.set("AUTOCOM_TOKEN", &token);
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("{}/api/v1/profile?token=x", theirs.origin()),
            theirs.origin().replace("http:", "") + "/api/v1/profile",
            ours.origin().replace("http:", "https:") + "/api/v1/profile",
            ours.origin().replace("127.0.0.1", "localhost") + "/api/v1/profile",
            format!("{}@{}", ours.origin(), theirs.origin().trim_start_matches("http://")),
        ] {
            ours.fault("/api/v1/profile", Fault::status(status).header("location", &location));
            let outcome = world.run("whoami -vvv").code(1);
            outcome
                .says("between here and the platform (redirect to http")
                .says("check the address: autocom config get api_url");
        }
    }
    assert_eq!(theirs.requests().len(), 0);
    // Within the origin it is followed, token and tenant included.
    ours.fault("/api/v1/profile", Fault::status(307).header("location", "/api/v1/profile?again"));
    world.run("whoami").ok();
}

#[test]
fn what_may_pass_is_tried_again_and_what_may_have_been_done_is_not() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let asked = |path: &str| sandbox.requests().iter().filter(|request| request.path == path).count();
    let world = World::new();
    world.log_in(&sandbox, "ada", "");
    let before = asked("/api/v1/profile");
    sandbox.fault("/api/v1/profile", Fault::status(503).times(2));
    sandbox.fault("/api/v1/profile", Fault::status(429).header("retry-after", "0"));
    let outcome = world.run("auth status --check -vv -o json").ok();
    assert_eq!(outcome.json()["check"]["status"], "ok");
    assert_eq!(outcome.stderr.matches("trying again").count(), 3, "{}", outcome.stderr);
    assert_eq!(outcome.stderr.matches("\"request_id\":").count(), 4, "{}", outcome.stderr);
    assert_eq!(asked("/api/v1/profile") - before, 4);
    sandbox.fault("/api/v1/auth/logout", Fault::status(503));
    world.run("auth logout --revoke").says("503");
    assert_eq!(asked("/api/v1/auth/logout"), 1);
}

#[test]
fn a_request_says_who_sends_it_and_what_it_takes() {
    let site = Site::answering(json(PROFILE), End::Closed);
    world_at(&site.http()).run("whoami").ok();
    let request = site.requests()[0].to_ascii_lowercase();
    let agent = format!(
        "user-agent: autocom/{} ({} {})\r\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    for header in [&agent, "accept: application/json\r\n", "accept-encoding: gzip\r\n"] {
        assert!(request.contains(header), "{header}: {request}");
    }
}

#[test]
fn a_proxy_is_named_when_it_is_what_stands_in_the_way() {
    let far = "https://api.example.invalid";
    let refusing = |line: &str| Site::answering(format!("HTTP/1.1 {line}\r\n\r\n"), End::Closed);
    let (asking, closed) = (refusing("407 Proxy Authentication Required"), refusing("403 Filtered"));
    let mut world = world_at(far);
    world.plant("hunter2");
    let mut seen = String::new();
    for (name, site) in [("wants a password", &asking), ("refuses", &closed)] {
        for proxy in ["127.0.0.1", "ada:hunter2@127.0.0.1"] {
            world.set("HTTPS_PROXY", format!("http://{proxy}:{}", site.port));
            let outcome = world.run("whoami -vvv").code(3);
            let said: String = outcome
                .stderr
                .lines()
                .filter(|line| !line.contains(" at=") && !line.contains("resolved"))
                .collect::<Vec<_>>()
                .join("\n");
            seen += &format!("{name}: {}\n", said.replace(&format!(":{}", site.port), ":PORT"));
        }
        assert!(
            site.requests().iter().all(|request| request.starts_with("CONNECT api.example.invalid:443 "))
        );
        assert!(
            site.requests().last().unwrap().contains("YWRhOmh1bnRlcjI="),
            "the password goes to the proxy"
        );
    }
    world.set("HTTPS_PROXY", "http://127.0.0.1:1");
    seen += &world.run("whoami").code(3).stderr;
    world.set("HTTPS_PROXY", "http://proxy.invalid:3128");
    seen += &world.run("whoami").code(3).stderr;
    insta::assert_snapshot!(seen, @r"
    wants a password: error: the proxy 127.0.0.1:PORT did not connect to api.example.invalid: it wants a user name and password
    hint: export HTTPS_PROXY=http://USER:PASSWORD@127.0.0.1:PORT
    wants a password: error: the proxy 127.0.0.1:PORT did not connect to api.example.invalid: it wants a user name and password
    hint: export HTTPS_PROXY=http://USER:PASSWORD@127.0.0.1:PORT
    refuses: error: the proxy 127.0.0.1:PORT did not connect to api.example.invalid: it refuses to, or does not reach it
    hint: check the address: autocom config get api_url; or go round the proxy: export AUTOCOM_PROXY=none
    refuses: error: the proxy 127.0.0.1:PORT did not connect to api.example.invalid: it refuses to (is the password right?), or does not reach it
    hint: check the address: autocom config get api_url; or go round the proxy: export AUTOCOM_PROXY=none
    error: nothing accepts connections at the proxy 127.0.0.1:1
    hint: check the proxy: autocom config get proxy, and the variables HTTPS_PROXY and ALL_PROXY
    error: no address is known for the proxy proxy.invalid:3128
    hint: check the proxy: autocom config get proxy, and the variables HTTPS_PROXY and ALL_PROXY
    ");

    // A `proxy` of our own goes before the environment's, and NO_PROXY before both.
    let asked = asking.requests().len();
    let ours = format!("proxy = \"http://127.0.0.1:{}\"\n", asking.port);
    let export = format!("; export HTTPS_PROXY=http://USER:PASSWORD@127.0.0.1:{}\n", asking.port);
    world.config(&ours);
    world
        .run("whoami")
        .code(3)
        .says("wants a user name and password")
        .says(&format!("hint: autocom config unset proxy{export}"));
    assert_eq!(asking.requests().len(), asked + 1);
    world.config(&format!("profile = \"far\"\n[profiles.far]\napi_url = \"{far}\"\n{ours}"));
    world.run("whoami").code(3).says(&format!("hint: autocom config unset profiles.far.proxy{export}"));
    world.run("config unset profiles.far.proxy").ok();
    world.set("AUTOCOM_PROXY", format!("http://127.0.0.1:{}", asking.port));
    world.run("whoami").code(3).says(&format!("hint: unset AUTOCOM_PROXY{export}"));
    world.unset("AUTOCOM_PROXY");
    world.config(&ours);
    world.set("NO_PROXY", "example.invalid");
    world.run("whoami").code(3).says("no address is known for api.example.invalid");
    world.unset("NO_PROXY").set("AUTOCOM_PROXY", "none");
    world.run("whoami").code(3).says("no address is known for api.example.invalid");
}

#[test]
fn loopback_goes_through_no_proxy_but_our_own_and_plain_http_through_none() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let ca = Authority::new("CA");
    let (site, proxy) = (
        Site::with_tls(&ca.certify("localhost", GOOD_YEARS)),
        Site::answering("HTTP/1.1 403 No\r\n\r\n", End::Closed),
    );
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let token = sandbox.mint_pat("ada", None);
    let mut world = world_at(&sandbox.api_url());
    world.plant(&token);
    world.set("AUTOCOM_TOKEN", token);
    world.write("ca.pem", &ca.pem);
    world.config("ca_bundle = \"ca.pem\"\n");
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        world.set(variable, &address);
    }
    world.run("whoami").ok();
    world.set("AUTOCOM_API_URL", site.https());
    world.run("whoami").ok();
    assert_eq!(proxy.requests().len(), 0);
    world.set("AUTOCOM_PROXY", &address);
    world.run("whoami").code(3).says("did not connect to localhost");
    assert_eq!(proxy.requests().len(), 1);
    world.set("AUTOCOM_API_URL", sandbox.api_url());
    world.run("whoami").ok();
    assert_eq!(proxy.requests().len(), 1);
}

/// A SOCKS5 proxy (RFC 1928) for one connection at a time; whatever is asked for, it leads to `port` here.
/// Answers with its own port.
fn socks_proxy_to(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut near in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 5];
            near.read_exact(&mut head[..2]).unwrap();
            near.read_exact(&mut vec![0; head[1].into()]).unwrap();
            near.write_all(&[5, 0]).unwrap();
            near.read_exact(&mut head).unwrap();
            assert_eq!(head[..4], [5, 1, 0, 3], "the name is for the proxy to look up");
            near.read_exact(&mut vec![0; usize::from(head[4]) + 2]).unwrap();
            near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from, mut to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut far, &mut near);
            let _ = near.shutdown(Shutdown::Both);
        }
    });
    own
}

#[test]
fn a_socks_proxy_serves_too() {
    let ca = Authority::new("CA");
    let site = Site::with_tls(&ca.certify("api.example.invalid", GOOD_YEARS));
    let mut world = world_at("https://api.example.invalid");
    world.write("ca.pem", &ca.pem);
    world.config("ca_bundle = \"ca.pem\"\n");
    let address = format!("socks5h://127.0.0.1:{}", socks_proxy_to(site.port));
    world.set("ALL_PROXY", &address);
    assert!(world.run("whoami").ok().stdout.contains("ada@acme.test"));
    world.unset("ALL_PROXY").set("AUTOCOM_PROXY", &address);
    world.run("whoami").ok();
    assert_eq!(site.requests().len(), 2);
    world.set("AUTOCOM_PROXY", "socks5h://127.0.0.1:1");
    world.run("whoami").code(3).says("the proxy 127.0.0.1:1");
}

#[test]
fn a_proxys_password_is_no_setting() {
    let mut world = World::new();
    world.plant("hunter2");
    let bad = "http://ada:hunter2@proxy.test:3128";
    world
        .run(&format!("config set proxy {bad}"))
        .code(2)
        .says("must not carry a user name or password")
        .says("HTTPS_PROXY");
    assert_eq!(world.read("config.toml"), "");
    world.config(&format!("api_url = \"https://a.test\"\nproxy = \"{bad}\"\n"));
    world.run("whoami -vvv").code(2).says("config.toml:2)").says("HTTPS_PROXY");
    world.config("api_url = \"https://a.test\"\n");
    world.set("AUTOCOM_PROXY", bad);
    world.run("config list").code(2).says("AUTOCOM_PROXY");
    world.unset("AUTOCOM_PROXY");
    world.run("config set proxy HTTP://Proxy.Test:3128/").ok();
    assert_eq!(world.run("config get proxy").ok().stdout, "http://proxy.test:3128\n");
}
