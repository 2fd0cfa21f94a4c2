//! Notices when the decoder has begun to go round in circles, as it does on noise.

/// Longest run of tokens looked for.
const MAX_PERIOD: usize = 12;

/// The number of tokens to keep if the end of `tokens` says the same again and again: all up to
/// the end of the first time.
pub(super) fn circling(tokens: &[i64]) -> Option<usize> {
    (1..=MAX_PERIOD).find_map(|period| {
        let needed = period * times(period);
        let start = tokens.len().checked_sub(needed)?;
        let (first, rest) = tokens[start..].split_at(period);
        rest.chunks(period)
            .all(|again| again == first)
            .then_some(start + period)
    })
}

/// How often a run of this length must stand in a row. Single digits and "no, no, no" do so in
/// earnest, phrases do not.
fn times(period: usize) -> usize {
    match period {
        1 => 8,
        2 => 6,
        3 => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_said_three_times_is_kept_once() {
        assert_eq!(circling(&[9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]), Some(5));
    }

    #[test]
    fn a_token_said_eight_times_is_kept_once() {
        assert_eq!(circling(&[1, 5, 5, 5, 5, 5, 5, 5]), None);
        assert_eq!(circling(&[1, 5, 5, 5, 5, 5, 5, 5, 5]), Some(2));
    }

    #[test]
    fn what_people_do_repeat_is_no_circle() {
        // "No, no, no", "0000", "test test".
        assert_eq!(circling(&[7, 8, 7, 8, 7]), None);
        assert_eq!(circling(&[1, 30, 30, 30, 30]), None);
        assert_eq!(circling(&[]), None);
        assert_eq!(circling(&[1, 2, 3, 4, 1, 2, 3, 4]), None);
    }
}
