//! The demo as a person starts it: it ends by itself, its figures agree, and nothing is left behind.

use std::time::Duration;

use campanile::demo::paint::Paint;
use campanile::demo::scope::Glyphs;
use campanile::demo::{Options, show};

fn told(seconds: u64, seed: u64, speed: f64) -> (String, bool) {
    let options = Options {
        period: Some(Duration::from_secs(seconds)),
        seed,
        speed,
        paint: Paint(false),
        glyphs: Glyphs::Ascii,
    };
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let right = runtime.block_on(show(&options, &mut out)).unwrap();
    (String::from_utf8(out).unwrap(), right)
}

#[test]
fn it_ends_by_itself_with_figures_that_agree() {
    let (text, right) = told(5, 7, 2.0);
    assert!(right, "{text}");
    assert!(text.is_ascii(), "plain where the terminal is: {text}");
    for part in [
        "someone presses the bell",
        "bounces suppressed",
        "ring started - rings = 1 - says \"Someone is at the door (1)\" - chime on",
        "ignored",
        "\"value\":\"on\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Later, if this process was kept from it, and not before.
    let lasted = text.lines().find_map(|line| line.strip_prefix("After ")?.strip_suffix(" s")?.parse().ok());
    assert!(lasted.is_some_and(|lasted: f64| lasted >= 5.0), "{text}");
    let lost = text.lines().find(|line| line.trim_start().starts_with("lost")).unwrap();
    assert_eq!(lost.split_whitespace().last(), Some("0"));
}

#[test]
fn in_a_hurry_the_figures_agree_as_well() {
    let (text, right) = told(4, 3, 10.0);
    assert!(right, "{text}");
    let visits = text.lines().find(|line| line.trim_start().starts_with("visits")).unwrap();
    let visits: u32 = visits.split_whitespace().nth(1).unwrap().parse().unwrap();
    // Some twenty, and fewer where the process was kept from it.
    assert!(visits > 5, "{visits} visits");
}
