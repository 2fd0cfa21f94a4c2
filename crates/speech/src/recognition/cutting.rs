//! Cuts long sound into pieces that the recogniser can take, where it is quietest.

use super::SAMPLE_RATE;

/// Longest piece, 30 s: what the model was trained on.
const MAX: usize = 30 * SAMPLE_RATE as usize;
/// Part of a piece's end in which the cut may lie, 10 s: long enough to hold a pause.
const SEARCH: usize = 10 * SAMPLE_RATE as usize;
/// Length of the pause looked for, 200 ms.
const PAUSE: usize = SAMPLE_RATE as usize / 5;
/// Steps in which it is looked for, 20 ms.
const STEP: usize = SAMPLE_RATE as usize / 50;

/// `pcm` in pieces of at most 30 s that together are the whole.
pub(super) fn pieces(pcm: &[f32]) -> impl Iterator<Item = &[f32]> {
    let mut rest = pcm;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = if rest.len() <= MAX {
            rest.len()
        } else {
            quietest(&rest[..MAX])
        };
        let (piece, after) = rest.split_at(cut);
        rest = after;
        Some(piece)
    })
}

/// The middle of the quietest pause near the end of `pcm`.
fn quietest(pcm: &[f32]) -> usize {
    let from = pcm.len() - SEARCH;
    let energy: Vec<f32> = pcm[from..]
        .chunks_exact(STEP)
        .map(|step| step.iter().map(|sample| sample * sample).sum())
        .collect();
    let (quietest, _) = energy
        .windows(PAUSE / STEP)
        .map(|window| window.iter().sum::<f32>())
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .expect("the searched part is longer than a pause");
    from + quietest * STEP + PAUSE / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pcm: &[f32]) -> Vec<usize> {
        pieces(pcm).map(<[f32]>::len).collect()
    }

    #[test]
    fn up_to_30_seconds_stay_whole() {
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&vec![0.1; MAX]), [MAX]);
    }

    #[test]
    fn a_long_piece_is_cut_in_the_pause() {
        let mut pcm = vec![0.5; MAX + 16_000];
        let pause = 24 * 16_000;
        pcm[pause..pause + PAUSE].fill(0.0);
        assert_eq!(
            lengths(&pcm),
            [pause + PAUSE / 2, pcm.len() - pause - PAUSE / 2]
        );
    }

    #[test]
    fn sound_without_a_pause_is_cut_all_the_same() {
        let pcm = vec![0.5; 5 * MAX];
        let lengths = lengths(&pcm);
        assert_eq!(lengths.iter().sum::<usize>(), pcm.len());
        assert!(lengths.iter().all(|&length| length <= MAX));
        assert!(lengths.len() < 10);
        assert!(!self::lengths(&vec![f32::NAN; 2 * MAX]).is_empty());
    }
}
