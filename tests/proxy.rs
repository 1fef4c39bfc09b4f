//! Through a real forward proxy, tinyproxy, to the Django server over TLS with a private CA.

use crate::support::World;
use crate::support::driver::{Browser, Driver};
use crate::support::ports::CallbackPorts;
use crate::support::real_server::RealServer;
use crate::support::tinyproxy::Tinyproxy;

/// Everything that asks the platform, each of it through the proxy.
fn everything_works(world: &World, proxy: &Tinyproxy) {
    for line in [
        "tenants list",
        "tenants use acme",
        "orders list --all",
        "api profile",
        "api orders --all-profiles",
        "profiles list --check",
        "whoami --check",
        "doctor",
    ] {
        let before = proxy.tunnels();
        world.run(line).ok();
        assert!(proxy.tunnels() > before, "{line}: {}", proxy.log());
    }
}

#[test]
#[ignore = "needs tinyproxy and the Django server; run by tests/run"]
fn a_login_and_all_that_follows_go_through_the_proxy() {
    let (server, proxy, mut world) = (RealServer::shared_with_tls(), Tinyproxy::start(None), World::new());
    world.config(&format!("proxy = \"{}\"\nca_bundle = \"{}\"\n", proxy.url(""), server.ca()));
    // For the person's browser, which knows nothing of autocom's settings.
    world.set("SSL_CERT_FILE", server.ca());
    let _turn = CallbackPorts::take();
    let driver = Driver::install(&mut world, Browser::Forms, "ada", "approve");
    world.login(&server.api_url(), "").finish().ok().says("Ada Lovelace");
    driver.last_page();
    let during_login = proxy.tunnels();
    assert!(during_login >= 1, "{}", proxy.log());
    assert_eq!(world.run("auth status --check -o json").ok().json()["check"]["status"], "ok");
    world.run("auth refresh").ok();
    assert!(proxy.tunnels() >= during_login + 2, "{}", proxy.log());
    everything_works(&world, &proxy);
    let before = proxy.tunnels();
    world.run("whoami").ok().prints("Ada Lovelace");
    assert_eq!(proxy.tunnels(), before, "whoami of a stored login asks nobody");
    world.run("auth logout").ok();
    assert_eq!(proxy.tunnels(), before + 1);
    drop(proxy);
    world
        .login_with_token(&server.api_url(), &server.mint("ada"), "")
        .code(3)
        .says("nothing accepts connections at the proxy 127.0.0.1:");
}

/// The same machine by an address that leads to loopback but is none, so that the environment's proxies
/// count for it.
fn by_another_name(server: &RealServer) -> String {
    server.api_url().replace("127.0.0.1", "0.0.0.0")
}

#[test]
#[ignore = "needs tinyproxy and the Django server; run by tests/run"]
fn a_proxys_password_gets_us_through_and_is_never_seen() {
    let (server, proxy) = (RealServer::shared_with_tls(), Tinyproxy::start(Some("ada hunter2")));
    let (url, token) = (by_another_name(server), server.mint("ada"));
    let mut world = World::new();
    for secret in ["hunter2", "YWRhOmh1bnRlcjI"] {
        world.plant(secret);
    }
    world.set("AUTOCOM_CA_BUNDLE", server.ca());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let before = proxy.tunnels();
        world.set(variable, proxy.url("ada:hunter2"));
        world.login_with_token(&url, &token, "-vvv").ok().says("Ada Lovelace");
        world.run("auth status --check -vvv").ok();
        assert!(proxy.tunnels() > before, "{variable}: {}", proxy.log());
        if variable == "HTTPS_PROXY" {
            everything_works(&world, &proxy);
        }
        for line in ["config list", "profiles show", "auth status -vvv"] {
            world.run(line);
        }
        world.set(variable, proxy.url("ada:wrong"));
        world.plant("wrong");
        world.run("auth status --check -vvv").code(3).says("it refuses to (is the password right?)");
        world.set(variable, proxy.url(""));
        let outcome = world.run("auth status --check -vvv").code(3).says("it wants a user name and password");
        outcome.says(&format!("export HTTPS_PROXY=http://USER:PASSWORD@127.0.0.1:{}", proxy.port));
        world.unset(variable);
    }
    // By a `proxy` of our own there is no password, so none is sent.
    world.set("AUTOCOM_PROXY", proxy.url(""));
    world.run("auth status --check").code(3).says("it wants a user name and password");
    world.set("NO_PROXY", "0.0.0.0");
    let before = proxy.tunnels();
    world.run("auth status --check").ok();
    assert_eq!(proxy.tunnels(), before);
}
