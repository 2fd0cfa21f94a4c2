//! A voice near the microphone, told from voices behind it by its level.
//!
//! The detector hears any voice: in a room full of people it never hears silence. What is always
//! there is taken for the room, and a voice must stand out of it. Pure: no model, no clock, no I/O.

/// Pieces of sound, 10 ms each, of which the room's level is a mean: 0.2 s, some syllables.
const BLOCK: usize = 20;
/// Blocks that are remembered: 8 s. Nobody near speaks so long without a breath.
const REMEMBERED: usize = 40;
/// Blocks, 3 s, before which the room is not known: nobody is taken for it who speaks from the start.
const KNOWN_AFTER: usize = 15;
/// Power of a full-scale square wave times this is a room that is no room: -60 dBFS.
const AUDIBLE: f32 = 1e-6;
/// A voice is near that is so much louder than the quietest block, as a ratio of powers: 8 dB. A
/// room full of voices wavers by some 6 dB around it.
const NEAR: f32 = 6.3;
/// And until it is less than that: 5 dB.
const STILL_NEAR: f32 = 3.2;
/// How much a piece counts in the present level: 50 ms.
const PRESENT: f32 = 0.2;

/// What is remembered of one stream's levels. Some 200 bytes.
#[derive(Debug, Clone, Default)]
pub struct Foreground {
    blocks: Blocks,
    /// The power of what is always there, if it is known and can be heard; of the blocks so far.
    room: Option<f32>,
    /// Power and pieces of the block in hand.
    sum: f32,
    pieces: usize,
    present: f32,
    is_near: bool,
}

/// Mean powers of the last blocks, the oldest overwritten.
#[derive(Debug, Clone)]
struct Blocks {
    powers: [f32; REMEMBERED],
    /// Blocks so far.
    count: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            powers: [f32::INFINITY; REMEMBERED],
            count: 0,
        }
    }
}

impl Blocks {
    fn push(&mut self, power: f32) {
        self.powers[self.count % REMEMBERED] = power;
        self.count += 1;
    }

    /// The quietest, once there are enough to know that it is the room.
    fn quietest(&self) -> Option<f32> {
        let quietest = self.powers.iter().copied().fold(f32::INFINITY, f32::min);
        (self.count >= KNOWN_AFTER).then_some(quietest)
    }
}

impl Foreground {
    /// Takes the next 10 ms, at any rate, full scale being 1.
    pub fn hear(&mut self, piece: &[f32]) {
        let power = piece.iter().map(|sample| sample * sample).sum::<f32>();
        let power = power / piece.len().max(1) as f32;
        if !power.is_finite() {
            return;
        }
        self.present += PRESENT * (power - self.present);
        let wanted = if self.is_near { STILL_NEAR } else { NEAR };
        self.is_near = self.room.is_none_or(|room| self.present >= room * wanted);
        self.sum += power;
        self.pieces += 1;
        if self.pieces == BLOCK {
            self.blocks.push(self.sum / BLOCK as f32);
            self.room = self.blocks.quietest().filter(|power| *power > AUDIBLE);
            (self.sum, self.pieces) = (0.0, 0);
        }
    }

    /// Whether a voice that is heard now is near. In a quiet room any is.
    pub fn is_near(&self) -> bool {
        self.is_near
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each tenth of a second of these levels (dBFS), whether a voice would be near at its end.
    fn near(levels: &[f32]) -> String {
        let mut foreground = Foreground::default();
        let heard = levels.iter().map(|level| {
            let sample = 10.0f32.powf(level / 20.0);
            (0..10).for_each(|_| foreground.hear(&[sample, -sample]));
            if foreground.is_near() { '#' } else { '.' }
        });
        heard.collect()
    }

    fn lasting(level: f32, tenths: usize) -> Vec<f32> {
        vec![level; tenths]
    }

    #[test]
    fn in_a_room_that_is_quiet_every_voice_is_near() {
        let levels = [lasting(-90.0, 12), lasting(-55.0, 3), lasting(-120.0, 3)].concat();
        assert_eq!(near(&levels), "##################");
    }

    #[test]
    fn in_a_loud_room_only_who_is_louder_is_near() {
        let levels = [
            lasting(-30.0, 34),
            lasting(-24.0, 4),
            lasting(-30.0, 2),
            lasting(-20.0, 5),
            lasting(-30.0, 5),
        ];
        // The room itself, a voice in it, the caller, and the room again.
        assert_eq!(near(&levels.concat())[28..], *"##..........#####.....");
    }

    #[test]
    fn a_voice_that_sinks_is_near_for_longer_than_one_that_begins() {
        let levels = [
            lasting(-30.0, 32),
            lasting(-23.5, 2),
            lasting(-15.0, 2),
            lasting(-23.5, 2),
            lasting(-26.0, 3),
        ];
        assert_eq!(near(&levels.concat())[28..], *"##....####...");
    }

    #[test]
    fn who_speaks_on_and_on_stays_near_as_long_as_they_breathe() {
        let sentence = [lasting(-20.0, 18), lasting(-45.0, 4)].concat();
        let levels = [lasting(-45.0, 32), sentence.repeat(6)].concat();
        let spoken = near(&levels);
        let missed = spoken.as_bytes()[32..]
            .chunks(22)
            .map(|sentence| sentence[..18].iter().filter(|at| **at == b'.').count());
        assert_eq!(missed.sum::<usize>(), 0, "{spoken}");
    }

    #[test]
    fn a_room_that_falls_quiet_is_noticed_at_once_and_one_that_gets_loud_after_a_while() {
        let levels = [lasting(-30.0, 40), lasting(-50.0, 4), lasting(-35.0, 2)];
        assert!(near(&levels.concat()).ends_with("##"));
        let levels = [lasting(-50.0, 40), lasting(-30.0, 90)].concat();
        let heard = near(&levels);
        assert_eq!((&heard[40..50], &heard[128..]), ("##########", ".."));
    }

    #[test]
    fn sound_that_is_no_number_changes_nothing() {
        let mut foreground = Foreground::default();
        foreground.hear(&[f32::NAN, 0.1]);
        foreground.hear(&[]);
        assert!(foreground.present == 0.0);
    }
}
