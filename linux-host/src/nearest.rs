//! What somebody may have meant by a word that nobody knows.

/// The known word nearest to a wrong one, if one is near enough to have been meant. Capitals make no difference.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    let limit = match folded.chars().count() {
        0 | 1 => 0,
        length => (length / 3).max(1),
    };
    known
        .into_iter()
        .map(|word| (strsim::osa_distance(&folded, &word.to_lowercase()), word))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

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
}
