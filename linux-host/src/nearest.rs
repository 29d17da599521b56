//! What somebody may have meant by a word that nobody knows.

/// The known word nearest to a wrong one, if one is near enough to have been meant. Capitals make no difference.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(wrong, known).first().copied()
}

/// Up to three such words, the nearest first.
pub(crate) fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = wrong.to_lowercase();
    let limit = match folded.chars().count() {
        0 | 1 => 0,
        length => (length / 3).max(1),
    };
    let mut near: Vec<_> = known
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| (strsim::osa_distance(&folded, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, word)| word).collect()
}

/// There is none of this name: which may have been meant, or which there are.
pub(crate) fn unknown<'a>(kind: &str, name: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = near(name, all.clone());
    if !near.is_empty() {
        return format!("no {kind} \"{name}\"; did you mean {}?", near.join(" or "));
    }
    let known: Vec<_> = all.collect();
    match known.as_slice() {
        [] => format!("no {kind} \"{name}\": there is none"),
        known => format!("no {kind} \"{name}\"; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{near, nearest};

    #[test]
    fn near_is_a_slip_of_one_letter_in_three() {
        let known = ["fri", "mon", "button", "front-door"];
        for (wrong, meant) in [
            ("fry", Some("fri")),
            ("FRI", Some("fri")),
            ("buton", Some("button")),
            ("front_dor", Some("front-door")),
            ("fly", None),
            ("m", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), meant, "{wrong}");
        }
    }

    #[test]
    fn the_nearest_come_first() {
        let lines = ["GPIO15", "GPIO14", "GPIO4", "BUTTON", ""];
        assert_eq!(near("gpio14", lines), ["GPIO14", "GPIO15", "GPIO4"]);
        assert!(near("relay", lines).is_empty());
    }
}
