//! `docs/events.md` describes every event there is.

#[test]
fn every_event_type_is_on_the_page() {
    let page = include_str!("../../../../docs/events.md");
    let source = include_str!("../../../kode-base/src/event.rs");
    let body = source.split("pub enum Event {").nth(1).unwrap();
    let mut found = 0;
    for line in body.lines() {
        let Some(name) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(" {")) else {
            continue;
        };
        if name.starts_with(char::is_alphabetic) {
            let mut snake = String::new();
            for (index, letter) in name.char_indices() {
                if letter.is_uppercase() && index > 0 {
                    snake.push('_');
                }
                snake.extend(letter.to_lowercase());
            }
            assert!(page.contains(&format!("`{snake}`")), "{snake} is not described");
            found += 1;
        }
    }
    assert!(found >= 10, "found only {found} events in the source");
}
