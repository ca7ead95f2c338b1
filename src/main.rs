//! The `topkima` command: see `topkima --help`.

fn main() -> std::process::ExitCode {
    topkima::shell::cli::main()
}
