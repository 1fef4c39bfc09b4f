//! A local Autocom platform to try autocom on: `cargo run --example sandbox [-- --port 8800]`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example prints, and is read from the top"
)]

mod platform;

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use platform::{CLIENT_ID, Knobs, Options, Passport, Sandbox, TENANTS, USERS};

/// Serves a local Autocom platform until Ctrl-C. Nothing is stored.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8800)]
    port: u16,
    /// Name shown on the pages
    #[arg(long, default_value = "Autocom Sandbox")]
    name: String,
    /// Life of an access token; a short one shows the silent refresh
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    access_ttl: i64,
    /// How many orders each tenant has, in place of a few dozen; they are computed as they are asked for
    #[arg(long, value_name = "COUNT")]
    orders: Option<u64>,
    /// Behave as Passport 13 does, device grant included
    #[arg(long)]
    passport_13: bool,
    /// Answer any number of requests; else, as Passport, 60 of tokens a minute
    #[arg(long)]
    no_throttle: bool,
    /// Every answer of the API comes this much later
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    api_delay: u64,
    /// Serve so many platforms, each on a free port, and print a line for each: its address and a token of ada's
    #[arg(long, value_name = "COUNT", conflicts_with = "port")]
    copies: Option<u16>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let knobs = Knobs {
        access_ttl_seconds: arguments.access_ttl,
        passport: if arguments.passport_13 { Passport::V13 } else { Passport::V12 },
        device_grant: arguments.passport_13,
        throttle: !arguments.no_throttle,
        api_delay: Duration::from_millis(arguments.api_delay),
        orders_count: arguments
            .orders
            .iter()
            .flat_map(|count| TENANTS.iter().map(|tenant| (tenant.id.to_owned(), *count)))
            .collect(),
        ..Knobs::default()
    };
    if let Some(copies) = arguments.copies {
        return serve_copies(copies, &knobs);
    }
    let sandbox = Sandbox::start(Options { name: arguments.name, port: arguments.port, knobs })
        .map_err(|error| format!("port {}: {error}", arguments.port))?;
    let api_url = sandbox.api_url();

    println!("The sandbox listens at {api_url} until Ctrl-C.\n");
    println!("Log in through the browser:\n");
    println!("  autocom auth login --api-url {api_url} \\");
    println!("    --client-id {CLIENT_ID}\n");
    println!("  user      password     tenants");
    for user in &USERS {
        let tenants: Vec<_> = user.memberships.iter().map(|(tenant, _)| *tenant).collect();
        let tenants = if tenants.is_empty() { "none".to_owned() } else { tenants.join(", ") };
        println!("  {:<8}  {:<11}  {tenants}", user.username, user.password());
    }
    println!("\nOr with a personal access token, here one of ada's:\n");
    println!("  autocom auth login --api-url {api_url} --token-stdin <<'EOF'");
    println!("{}\nEOF", sandbox.mint_pat("ada", None));

    until_ctrl_c()
}

fn until_ctrl_c() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}

fn serve_copies(count: u16, knobs: &Knobs) -> Result<(), Box<dyn Error>> {
    let sandboxes = (0..count)
        .map(|_| Sandbox::start(Options { knobs: knobs.clone(), ..Options::default() }))
        .collect::<Result<Vec<_>, _>>()?;
    for sandbox in &sandboxes {
        println!("{} {}", sandbox.api_url(), sandbox.mint_pat("ada", None));
    }
    println!();
    until_ctrl_c()
}
