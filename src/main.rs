use std::process::ExitCode;

fn main() -> ExitCode {
    autocom::app::run(std::env::args_os().collect(), autocom::system::environment::Environment::capture())
}
