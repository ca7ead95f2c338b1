#[test]
fn show() {
    print!("{}", super::render(&super::macros().unwrap()));
}
