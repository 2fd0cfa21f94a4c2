//! Writes text out as it is spoken: amounts, dates, addresses, codes and symbols become words.
//!
//! Each rule rewrites one kind of thing, and rules run in a fixed order: what a later rule could
//! misread (an e-mail address, a date) is words by the time it runs. American English only.

mod addresses;
mod clean;
mod dates;
mod numbers;
mod quantities;
mod words;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What to look for, and how to say it.
struct Rule {
    pattern: Regex,
    say: fn(&Captures<'_>) -> String,
}

impl Rule {
    fn new(pattern: &str, say: fn(&Captures<'_>) -> String) -> Self {
        let pattern = Regex::new(pattern).expect("the patterns are constants, and tests use them");
        Self { pattern, say }
    }
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = addresses::rules();
    rules.extend(dates::rules());
    rules.extend(quantities::rules());
    rules.extend(words::rules());
    rules
});

/// Writes a text out as it is to be spoken: "$5" becomes "five dollars". What cannot be spoken, as
/// Markdown, emoji and other scripts than Latin, is left out.
pub fn normalise(text: &str) -> String {
    let mut text = clean::clean(text);
    for rule in RULES.iter() {
        if let Cow::Owned(said) = rule.pattern.replace_all(&text, rule.say) {
            text = said;
        }
    }
    clean::tidy(&text)
}

/// The text of a group that took part in the match, else nothing.
fn group<'a>(captures: &'a Captures<'_>, index: usize) -> &'a str {
    captures.get(index).map_or("", |group| group.as_str())
}

/// A word letter by letter: "AWS" as "A-W-S", which the dictionary reads as letters.
fn spell(word: &str) -> String {
    let letters = word
        .chars()
        .map(|letter| letter.to_ascii_uppercase().to_string());
    letters.collect::<Vec<_>>().join("-")
}

/// Can these letters be read as a word?
fn is_readable(letters: &str) -> bool {
    letters.len() > 2
        && letters.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y'])
}

/// The runs of letters and of digits in a text, without anything else.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_digit = rest.chars().next()?.is_ascii_digit();
        let same = |c: char| c.is_ascii_alphanumeric() && c.is_ascii_digit() == is_digit;
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each line as it is written and as it is said.
    fn table(lines: &[&str]) -> String {
        lines
            .iter()
            .map(|line| format!("{line}\n    {}\n", normalise(line)))
            .collect()
    }

    #[test]
    fn money_and_shares() {
        insta::assert_snapshot!(table(&[
            "Your plan costs $29.99/month, or $290 a year.",
            "That is $1, $0.50, \u{20ac}1,250, \u{a3}3.50, 15 EUR, USD 2.5 and \u{a5}900.",
            "Credit of -$5 on a $1.5M deal, $20k.",
            "45% of seats, -3.5 %, 100%",
        ]), @r#"
        Your plan costs $29.99/month, or $290 a year.
            Your plan costs twenty nine dollars and ninety nine cents per month, or two hundred ninety dollars a year.
        That is $1, $0.50, €1,250, £3.50, 15 EUR, USD 2.5 and ¥900.
            That is one dollar, fifty cents, one thousand two hundred fifty euros, three pounds and fifty pence, fifteen euros, two point five dollars and nine hundred yen.
        Credit of -$5 on a $1.5M deal, $20k.
            Credit of minus five dollars on a one point five million dollars deal, twenty thousand dollars.
        45% of seats, -3.5 %, 100%
            forty five percent of seats, minus three point five percent, one hundred percent
        "#);
    }

    #[test]
    fn dates_and_times() {
        insta::assert_snapshot!(table(&[
            "Renews on 2025-03-03, on March 3, 2025, on 3 March 2025, on Dec. 21st.",
            "Since 2019, in March 2005; due 12/31/2024 or 31/12/2024.",
            "Open March 3-5, 9:00-17:30, from 5 p.m. to 12:05 AM. Ends at 5:30 p.m.",
            "At 2025-01-02T14:05:09Z, at 00:30, at 09:00 UTC.",
        ]), @r#"
        Renews on 2025-03-03, on March 3, 2025, on 3 March 2025, on Dec. 21st.
            Renews on March third, twenty twenty five, on March third, twenty twenty five, on March third, twenty twenty five, on December twenty first.
        Since 2019, in March 2005; due 12/31/2024 or 31/12/2024.
            Since twenty nineteen, in March two thousand five; due December thirty first, twenty twenty four or December thirty first, twenty twenty four.
        Open March 3-5, 9:00-17:30, from 5 p.m. to 12:05 AM. Ends at 5:30 p.m.
            Open March third to fifth, nine o'clock to five thirty P-M, from five P-M to twelve oh five A-M. Ends at five thirty P-M.
        At 2025-01-02T14:05:09Z, at 00:30, at 09:00 UTC.
            At January second, twenty twenty five, at two oh five P-M, at twelve thirty A-M, at nine o'clock UTC.
        "#);
    }

    #[test]
    fn addresses() {
        insta::assert_snapshot!(table(&[
            "Write to john.smith+42@mail.example.co.uk, please.",
            "Ask support@acme.io.",
            "See https://www.app.example.com/settings/api-keys?tab=1, or docs.example.dev.",
            "Call 1-800-555-0199, (415) 555-2671 or +44 20 7946 0958.",
            "Server 10.0.0.12 at http://localhost:7700/v1.",
        ]), @r#"
        Write to john.smith+42@mail.example.co.uk, please.
            Write to john dot smith plus four two at mail dot example dot co dot U-K, please.
        Ask support@acme.io.
            Ask support at acme dot I-O.
        See https://www.app.example.com/settings/api-keys?tab=1, or docs.example.dev.
            See app dot example dot com slash settings slash api dash keys, or docs dot example dot dev.
        Call 1-800-555-0199, (415) 555-2671 or +44 20 7946 0958.
            Call one, eight hundred, five five five, zero one nine nine, four one five, five five five, two six seven one or plus four four, two zero, seven nine four six, zero nine five eight.
        Server 10.0.0.12 at http://localhost:7700/v1.
            Server ten dot zero dot zero dot twelve at localhost colon seven seven zero zero slash V one.
        "#);
    }

    #[test]
    fn versions_units_and_codes() {
        insta::assert_snapshot!(table(&[
            "Version v2.3.1, v2, 1.95.0, TLS 1.3",
            "10GB of 1.5 TB, 1 GB, 250 ms, 5 mins",
            "Invoice INV-2024-001, ticket #4521, order 48213377, item #7",
            "2FA, B2B, S3, MP3, GPT-4, a 14-day trial, a 100-seat plan, 3x, 50k users, 10+",
            "24/7, 1/2, 3/4, 3/5, the 21st, the 1st, 9-17, 007, 1,234,567, -4, 3.14",
            "404, 2048 seats",
        ]), @r#"
        Version v2.3.1, v2, 1.95.0, TLS 1.3
            version two point three point one, version two, one point ninety five point zero, TLS one point three
        10GB of 1.5 TB, 1 GB, 250 ms, 5 mins
            ten gigabytes of one point five terabytes, one gigabyte, two hundred fifty milliseconds, five minutes
        Invoice INV-2024-001, ticket #4521, order 48213377, item #7
            Invoice I-N-V, two zero two four, zero zero one, ticket number four five two one, order four eight two one three three seven seven, item number seven
        2FA, B2B, S3, MP3, GPT-4, a 14-day trial, a 100-seat plan, 3x, 50k users, 10+
            two F-A, B two B, S three, M-P three, G-P-T four, a fourteen day trial, a one hundred seat plan, three times, fifty thousand users, ten plus
        24/7, 1/2, 3/4, 3/5, the 21st, the 1st, 9-17, 007, 1,234,567, -4, 3.14
            twenty four seven, one half, three quarters, three out of five, the twenty first, the first, nine to seventeen, zero zero seven, one million two hundred thirty four thousand five hundred sixty seven, minus four, three point one four
        404, 2048 seats
            four hundred four, twenty forty eight seats
        "#);
    }

    #[test]
    fn names_and_symbols() {
        insta::assert_snapshot!(table(&[
            "AWS, SAML, SCIM, SQL and JSON over WiFi; APIs, URLs, FAQs & PDFs",
            "Terms & conditions, and/or, on/off, a = b, user_name, C++, w/o limits",
            "E.g. this, i.e. that, No. 5 vs. No. 6, approx. 20 etc.",
            "caf\u{e9} na\u{ef}ve \u{141}\u{f3}d\u{17a} stra\u{df}e",
        ]), @r#"
        AWS, SAML, SCIM, SQL and JSON over WiFi; APIs, URLs, FAQs & PDFs
            A-W-S, saml, skim, sequel and Jason over Wi-Fi; A-P-I's, U-R-L's, F-A-Q's and P-D-F's
        Terms & conditions, and/or, on/off, a = b, user_name, C++, w/o limits
            Terms and conditions, and or, on slash off, a equals b, user name, C plus plus, without limits
        E.g. this, i.e. that, No. 5 vs. No. 6, approx. 20 etc.
            for example this, that is that, number five versus number six, about twenty etc.
        café naïve Łódź straße
            cafe naive Lodz strasse
        "#);
    }

    #[test]
    fn markup_is_left_out() {
        insta::assert_snapshot!(table(&[
            "**Pro** plan: `reset` [the link](https://example.com/x) _now_",
            "# Title\n- first\n- second\n1. third",
            "Great \u{1f600}! \u{4f60}\u{597d} \u{201c}Quoted\u{201d} \u{2014} it\u{2019}s\u{2026} fine...",
            "<b>x</b> {y} [z] ^ ~5 | a_b",
        ]), @r#"
        **Pro** plan: `reset` [the link](https://example.com/x) _now_
            Pro plan: reset the link now
        # Title
        - first
        - second
        1. third
            Title. first. second. one, third
        Great 😀! 你好 “Quoted” — it’s… fine...
            Great! "Quoted", it's… fine…
        <b>x</b> {y} [z] ^ ~5 | a_b
            x y z about five, a b
        "#);
        for nothing in ["", "  \u{1f600} ", "...", "**", "\u{4f60}\u{597d}"] {
            assert_eq!(normalise(nothing), "", "{nothing:?}");
        }
    }

    #[test]
    fn what_support_answers_hold() {
        insta::assert_snapshot!(table(&[
            "$19.99/month", "v2.3.1", "ada@example.com", "2026-11-03", "3rd", "1,234", "25 GB",
            "24/7", "HTTP 429", "SAML SSO", "iOS 17", "A/B", "5\u{2013}10", "50%", "Kubernetes",
            "Settings > Billing", "Settings > Billing > Plans", "$1,299.00", "$0", "\u{20ac}9,99",
            "$5/user/month", "$2 million", "10 % off", "11/03/2026", "Nov 3", "3 Nov 2026",
            "12:30 PM", "17:05", "9am", "9-5", "Mon-Fri", "Q3 2026", "the 1990s", "1st and 22nd",
            "#42", "No. 12", "1,000,000", "0.5", "-3", "3.14", "1/2", "2x faster", "100 ms",
            "16 kHz", "5 GHz", "4K", "256 MB/s", "99.9%", "+1 (555) 010-9999", "555-0199",
            "https://example.com/help", "www.example.org", "docs.example.com/api/v2",
            "first.last@sub.example.co.uk", "192.168.0.1", "report.pdf", "CSV or XLSX", "API keys",
            "2FA", "MFA", "OAuth 2.0", "PCI-DSS", "GDPR", "SOC 2", "ISO 27001", "VAT ID",
            "ID DE123456789", "INV-2026-0042", "macOS 15", "Windows 11", "PostgreSQL 18", "Node.js",
            "C#", "24h", "30-day trial", "per-seat", "e.g. Slack", "Ctrl+C", "on/off", "N/A", "P.S.",
        ]), @r#"
        $19.99/month
            nineteen dollars and ninety nine cents per month
        v2.3.1
            version two point three point one
        ada@example.com
            ada at example dot com
        2026-11-03
            November third, twenty twenty six
        3rd
            third
        1,234
            one thousand two hundred thirty four
        25 GB
            twenty five gigabytes
        24/7
            twenty four seven
        HTTP 429
            HTTP four hundred twenty nine
        SAML SSO
            saml SSO
        iOS 17
            I-O-S seventeen
        A/B
            A-B
        5–10
            five to ten
        50%
            fifty percent
        Kubernetes
            Kubernetes
        Settings > Billing
            Settings, Billing
        Settings > Billing > Plans
            Settings, Billing, Plans
        $1,299.00
            one thousand two hundred ninety nine dollars
        $0
            zero dollars
        €9,99
            nine euros and ninety nine cents
        $5/user/month
            five dollars per user per month
        $2 million
            two million dollars
        10 % off
            ten percent off
        11/03/2026
            November third, twenty twenty six
        Nov 3
            November third
        3 Nov 2026
            November third, twenty twenty six
        12:30 PM
            twelve thirty P-M
        17:05
            five oh five P-M
        9am
            nine A-M
        9-5
            nine to five
        Mon-Fri
            Monday to Friday
        Q3 2026
            Q three twenty twenty six
        the 1990s
            the nineteen nineties
        1st and 22nd
            first and twenty second
        #42
            number forty two
        No. 12
            number twelve
        1,000,000
            one million
        0.5
            zero point five
        -3
            minus three
        3.14
            three point one four
        1/2
            one half
        2x faster
            two times faster
        100 ms
            one hundred milliseconds
        16 kHz
            sixteen kilohertz
        5 GHz
            five gigahertz
        4K
            four thousand
        256 MB/s
            two hundred fifty six megabytes per second
        99.9%
            ninety nine point nine percent
        +1 (555) 010-9999
            plus one, five five five, zero one zero, nine nine nine nine
        555-0199
            five five five, zero one nine nine
        https://example.com/help
            example dot com slash help
        www.example.org
            example dot org
        docs.example.com/api/v2
            docs dot example dot com slash api slash V two
        first.last@sub.example.co.uk
            first dot last at sub dot example dot co dot U-K
        192.168.0.1
            one hundred ninety two dot one hundred sixty eight dot zero dot one
        report.pdf
            report dot PDF
        CSV or XLSX
            CSV or XLSX
        API keys
            API keys
        2FA
            two F-A
        MFA
            MFA
        OAuth 2.0
            oh auth two point zero
        PCI-DSS
            PCI-DSS
        GDPR
            GDPR
        SOC 2
            SOC two
        ISO 27001
            ISO twenty seven thousand one
        VAT ID
            VAT ID
        ID DE123456789
            ID D-E one two three four five six seven eight nine
        INV-2026-0042
            I-N-V, two zero two six, zero zero four two
        macOS 15
            mac O-S fifteen
        Windows 11
            Windows eleven
        PostgreSQL 18
            postgres eighteen
        Node.js
            node dot JS
        C#
            C sharp
        24h
            twenty four hours
        30-day trial
            thirty day trial
        per-seat
            per-seat
        e.g. Slack
            for example Slack
        Ctrl+C
            control plus C
        on/off
            on slash off
        N/A
            not applicable
        P.S.
            P.S.
        "#);
    }

    proptest! {
        #[test]
        fn whatever_comes_only_words_and_punctuation_remain(text in r"(\PC|[0-9$%:/.@-]|\s){0,120}") {
            let said = normalise(&text);
            let is_fine = |c: char| c.is_ascii_alphabetic() || " .,;:!?'\"()-\u{2026}".contains(c);
            prop_assert!(said.chars().all(is_fine), "{:?}", said);
        }
    }
}
