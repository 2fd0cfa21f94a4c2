//! From letters to sounds by rule, for names and made-up words.

/// Letters, where they must stand, and their sound. The first rule that fits wins, so longer ones
/// and narrower ones come first. A vowel that depends on what follows is left to [`vowel`].
const RULES: [(&str, Place, &str); 99] = {
    use Place::{AfterVowel, Anywhere, BeforeConsonant, BeforeFront, BeforeVowel, End, Start};
    [
        ("tion", Anywhere, "ʃən"),
        ("ssion", Anywhere, "ʃən"),
        ("sion", Anywhere, "ʒən"),
        ("cious", Anywhere, "ʃəs"),
        ("tious", Anywhere, "ʃəs"),
        ("cial", Anywhere, "ʃəl"),
        ("tial", Anywhere, "ʃəl"),
        ("ture", End, "ʧəɹ"),
        ("eigh", Anywhere, "A"),
        ("augh", Anywhere, "ɔ"),
        ("ough", Anywhere, "O"),
        ("igh", Anywhere, "I"),
        ("tch", Anywhere, "ʧ"),
        ("sch", Anywhere, "ʃ"),
        ("dge", Anywhere, "ʤ"),
        ("air", Anywhere, "ɛɹ"),
        ("eer", Anywhere, "ɪɹ"),
        ("ear", Anywhere, "ɪɹ"),
        ("our", Anywhere, "ɔɹ"),
        ("oor", Anywhere, "ɔɹ"),
        ("are", End, "ɛɹ"),
        ("ire", End, "Iəɹ"),
        ("ore", End, "ɔɹ"),
        ("ure", End, "jʊɹ"),
        ("que", End, "k"),
        ("gue", End, "ɡ"),
        ("iou", Anywhere, "iə"),
        ("ious", End, "iəs"),
        ("eau", Anywhere, "O"),
        ("ch", BeforeConsonant, "k"),
        ("ch", Anywhere, "ʧ"),
        ("ck", Anywhere, "k"),
        ("sh", Anywhere, "ʃ"),
        ("ph", Anywhere, "f"),
        ("th", Anywhere, "θ"),
        ("zh", Anywhere, "ʒ"),
        ("kh", Anywhere, "k"),
        ("bh", Anywhere, "b"),
        ("dh", Anywhere, "d"),
        ("gh", Start, "ɡ"),
        ("gh", AfterVowel, ""),
        ("gh", Anywhere, "ɡ"),
        ("kn", Start, "n"),
        ("gn", Start, "n"),
        ("pn", Start, "n"),
        ("ps", Start, "s"),
        ("wr", Start, "ɹ"),
        ("wh", Anywhere, "w"),
        ("rh", Start, "ɹ"),
        ("qu", Anywhere, "kw"),
        ("ng", End, "ŋ"),
        ("ng", BeforeConsonant, "ŋ"),
        ("ng", Anywhere, "ŋɡ"),
        ("nk", Anywhere, "ŋk"),
        ("nx", Anywhere, "ŋks"),
        ("mb", End, "m"),
        ("cc", BeforeFront, "ks"),
        ("sc", BeforeFront, "s"),
        ("zz", Anywhere, "ts"),
        ("gu", BeforeFront, "ɡ"),
        ("ai", Anywhere, "A"),
        ("ay", Anywhere, "A"),
        ("au", Anywhere, "ɔ"),
        ("aw", Anywhere, "ɔ"),
        ("ae", Anywhere, "A"),
        ("ea", Anywhere, "i"),
        ("ee", Anywhere, "i"),
        ("ei", Anywhere, "A"),
        ("ey", End, "i"),
        ("ey", Anywhere, "A"),
        ("eu", Anywhere, "u"),
        ("ew", Anywhere, "u"),
        ("ie", End, "i"),
        ("ie", BeforeConsonant, "i"),
        ("oa", Anywhere, "O"),
        ("oi", Anywhere, "Y"),
        ("oy", Anywhere, "Y"),
        ("oo", Anywhere, "u"),
        ("ou", Anywhere, "u"),
        ("ow", End, "O"),
        ("ow", Anywhere, "W"),
        ("ue", End, "u"),
        ("ui", Anywhere, "u"),
        ("ar", End, "ɑɹ"),
        ("ar", BeforeConsonant, "ɑɹ"),
        ("or", End, "ɔɹ"),
        ("or", BeforeConsonant, "ɔɹ"),
        ("er", End, "əɹ"),
        ("er", BeforeConsonant, "ɜɹ"),
        ("ir", BeforeConsonant, "ɜɹ"),
        ("ur", BeforeConsonant, "ɜɹ"),
        ("ir", End, "ɪɹ"),
        ("ur", End, "ɜɹ"),
        ("c", BeforeFront, "s"),
        ("g", BeforeFront, "ʤ"),
        ("x", Start, "z"),
        ("y", BeforeVowel, "j"),
        ("h", End, ""),
        ("h", BeforeConsonant, ""),
    ]
};

/// Where the letters of a rule must stand.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    Start,
    End,
    /// Before a vowel letter.
    BeforeVowel,
    /// Before a letter that is no vowel.
    BeforeConsonant,
    /// Before e, i or y.
    BeforeFront,
    AfterVowel,
}

/// One sound of a word.
struct Sound {
    phonemes: &'static str,
    is_vowel: bool,
}

/// The phonemes of a word in lower case ASCII letters, with its stress; `None` for one that has no
/// vowel to read it by, or is too short to be more than letters.
pub(super) fn pronounce(word: &str) -> Option<String> {
    let sounds = sounds(word.as_bytes());
    let is_readable = word.len() > 2 && sounds.iter().any(|sound| sound.is_vowel);
    is_readable.then(|| stress(&sounds))
}

fn sounds(word: &[u8]) -> Vec<Sound> {
    let mut sounds = Vec::new();
    let mut at = 0;
    while at < word.len() {
        let rule = RULES.iter().find(|(letters, place, _)| {
            word[at..].starts_with(letters.as_bytes()) && place.fits(word, at, letters.len())
        });
        let (length, phonemes) = match rule {
            Some((letters, _, phonemes)) => (letters.len(), *phonemes),
            None if is_vowel_letter(word[at]) => (1, vowel(word, at)),
            // A doubled consonant sounds once.
            None if at > 0 && word[at] == word[at - 1] => (1, ""),
            None => (1, consonant(word, at)),
        };
        if !phonemes.is_empty() {
            let is_vowel = phonemes.chars().any(|phoneme| VOWELS.contains(phoneme));
            sounds.push(Sound { phonemes, is_vowel });
        }
        at += length;
    }
    sounds
}

const VOWELS: &str = "AIOWYiuæɑɔəɛɜɪʊʌ";

impl Place {
    fn fits(self, word: &[u8], at: usize, length: usize) -> bool {
        let next = word.get(at + length).copied();
        match self {
            Self::Anywhere => true,
            Self::Start => at == 0 && next.is_some(),
            Self::End => next.is_none() && at > 0,
            Self::BeforeVowel => next.is_some_and(is_vowel_letter),
            Self::BeforeConsonant => next.is_some_and(|next| !is_vowel_letter(next)),
            Self::BeforeFront => next.is_some_and(|next| matches!(next, b'e' | b'i' | b'y')),
            Self::AfterVowel => at > 0 && is_vowel_letter(word[at - 1]),
        }
    }
}

fn is_vowel_letter(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// The sound of a single vowel letter, by what stands around it.
fn vowel(word: &[u8], at: usize) -> &'static str {
    let rest = &word[at + 1..];
    let is_consonant = |index: usize| rest.get(index).is_some_and(|next| !is_vowel_letter(*next));
    let has_vowel_before = word[..at].iter().any(|&letter| is_vowel_letter(letter));
    let is_silent_e =
        rest.is_empty() && word[at] == b'e' && has_vowel_before && !is_vowel_letter(word[at - 1]);
    let before_silent_e = rest.len() == 2 && is_consonant(0) && rest[1] == b'e';
    let is_open = !is_consonant(0) || (is_consonant(0) && rest.len() > 1 && !is_consonant(1));
    let sounds_foreign = word
        .last()
        .is_some_and(|last| matches!(last, b'a' | b'i' | b'o' | b'u'));
    let [last, long, open, closed] = match word[at] {
        b'a' => ["ə", "A", if sounds_foreign { "ɑ" } else { "æ" }, "æ"],
        b'e' => ["i", "i", "ɛ", "ɛ"],
        b'i' => [
            "i",
            "I",
            if sounds_foreign || !is_consonant(0) {
                "i"
            } else {
                "ɪ"
            },
            "ɪ",
        ],
        b'o' => ["O", "O", "O", "ɑ"],
        b'u' => ["u", "u", "u", "ʌ"],
        _ => [if has_vowel_before { "i" } else { "I" }, "I", "ɪ", "ɪ"],
    };
    match () {
        () if is_silent_e => "",
        () if rest.is_empty() => last,
        () if before_silent_e => long,
        () if is_open => open,
        () => closed,
    }
}

fn consonant(word: &[u8], at: usize) -> &'static str {
    let is_between_vowels = at > 0
        && is_vowel_letter(word[at - 1])
        && word.get(at + 1).is_some_and(|&next| is_vowel_letter(next));
    match word[at] {
        b'b' => "b",
        b'c' | b'k' | b'q' => "k",
        b'd' => "d",
        b'f' => "f",
        b'g' => "ɡ",
        b'h' => "h",
        b'j' => "ʤ",
        b'l' => "l",
        b'm' => "m",
        b'n' => "n",
        b'p' => "p",
        b'r' => "ɹ",
        b's' if is_between_vowels => "z",
        b's' => "s",
        b't' => "t",
        b'v' => "v",
        b'w' => "w",
        b'x' => "ks",
        b'z' => "z",
        _ => "",
    }
}

/// Joins the sounds, marks the stressed vowel and weakens short ones that are not.
///
/// A word of one or two vowels is stressed on the first, a longer one on the last but one if it
/// ends in a vowel, else on the last but two.
fn stress(sounds: &[Sound]) -> String {
    let vowels: Vec<usize> = (0..sounds.len())
        .filter(|&index| sounds[index].is_vowel)
        .collect();
    let ends_in_vowel = sounds.last().is_some_and(|sound| sound.is_vowel);
    let stressed = match vowels.len() {
        0 => sounds.len(),
        1 | 2 => vowels[0],
        // Not between two vowels that meet, as in "radio".
        count if ends_in_vowel && vowels[count - 1] - vowels[count - 2] > 1 => vowels[count - 2],
        count => vowels[count - 3],
    };
    let last = vowels.last().copied();
    let mut word = String::new();
    for (index, Sound { phonemes, is_vowel }) in sounds.iter().enumerate() {
        let is_weak = index > stressed && last == Some(index) && index + 1 < sounds.len();
        match *phonemes {
            _ if index == stressed => word.extend(["ˈ", phonemes]),
            "æ" | "ɑ" | "ʌ" | "ɛ" if *is_vowel && is_weak => word.push('ə'),
            _ => word.push_str(phonemes),
        }
    }
    word
}
