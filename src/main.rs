//! The `topkima` command.
fn main() {}
