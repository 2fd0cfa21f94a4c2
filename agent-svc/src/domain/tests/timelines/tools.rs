//! Tools: run, given up, used up, and what they do to the call.

use insta::assert_snapshot;

use super::transcript;

#[test]
fn tools_run_at_once_and_are_answered_before_the_next_response() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account takes 300
           0 tool search_knowledge takes 500
        1000 model calls get_account search_knowledge
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
        8000 caller hangs up
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call get_account call_1_1
    2580  call search_knowledge call_1_2
    2630  User: What plan?
    2630  store 1 User: What plan?
    2880  answer call_1_1: {"ok":true}
    2880  tool get_account Ok after 300 ms
    3080  answer call_1_2: {"ok":true}
    3080  tool search_knowledge Ok after 500 ms
    3080  create response 2
    3280  play 2
    3280  -> Speaking
    4170  Assistant: You are on Pro.
    4170  store 2 Assistant: You are on Pro. [get_account] [search_knowledge] (430 + 150, 850 -> 1280 ms)
    4170  -> Listening
    8000  end call: UserHangup
    "#);
}

#[test]
fn a_tool_that_hangs_is_given_up_and_the_caller_hears_something_meanwhile() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account hangs
        1000 model calls get_account
        1000 model says "I cannot see it."
        1000 caller speaks 1000 "What plan?"
       15000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call get_account call_1_1
     2630  User: What plan?
     2630  store 1 User: What plan?
     5230  synthesise 2: One moment, please.
     5330  play 2
     5330  -> Speaking
     6460  Assistant: One moment, please.
     6460  store 2 Assistant: One moment, please.
     6460  -> Thinking
     8580  cancel tool call_1_1
     8580  answer call_1_1: {"error":{"code":"timeout","message":"it took too long"}}
     8580  tool get_account TimedOut after 6000 ms
     8580  create response 2
     8780  play 3
     8780  -> Speaking
     9730  Assistant: I cannot see it.
     9730  store 3 Assistant: I cannot see it. [get_account] (430 + 150, 6350 -> 6780 ms)
     9730  -> Listening
    15000  end call: UserHangup
    "#);
}

#[test]
fn a_tool_that_is_running_when_the_caller_speaks_on_is_answered_without_a_second_reply() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account takes 1500
        1000 model calls get_account
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
        2800 caller speaks 1500 "I mean, what plan?"
       10000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call get_account call_1_1
     2630  User: What plan?
     2630  store 1 User: What plan?
     2860  -> Listening
     3200  recognise sound 1: I
     3350  recognise sound 2: I
     3420  count Interruption
     4080  answer call_1_1: {"ok":true}
     4080  tool get_account Ok after 1500 ms
     4500  judge pause 2
     4820  commit audio
     4820  create response 2
     4820  -> Thinking
     5020  User: I mean, what plan?
     5020  store 2 User: I mean, what plan?
     5020  play 2
     5020  -> Speaking
     5910  Assistant: You are on Pro.
     5910  store 3 Assistant: You are on Pro. (520 + 200 -> 720 ms)
     5910  -> Listening
    10000  end call: UserHangup
    "#);
}

#[test]
fn the_fifth_round_of_tools_may_call_none() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model says "Enough."
        1000 caller speaks 1000 "Loop."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call a call_1_1
     2630  User: Loop.
     2630  store 1 User: Loop.
     2630  answer call_1_1: {"ok":true}
     2630  tool a Ok after 50 ms
     2730  create response 2
     2880  call a call_2_1
     2930  answer call_2_1: {"ok":true}
     2930  tool a Ok after 50 ms
     3030  create response 3
     3180  call a call_3_1
     3230  answer call_3_1: {"ok":true}
     3230  tool a Ok after 50 ms
     3330  create response 4
     3480  call a call_4_1
     3530  answer call_4_1: {"ok":true}
     3530  tool a Ok after 50 ms
     3630  create response 5 without tools
     3780  answer call_5_1: {"error":{"code":"cancelled","message":"no tool can be used now"}}
     3930  count ResponseFailed
     3930  create response 6 without tools
     4130  play 6
     4130  -> Speaking
     4540  Assistant: Enough.
     4540  store 2 Assistant: Enough. [a] [a] [a] [a] (430 + 150, 1700 -> 2130 ms)
     4540  -> Listening
    12000  end call: UserHangup
    "#);
}

#[test]
fn the_assistant_says_goodbye_before_it_hangs_up() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool end_call takes 10 ending
        1000 model calls end_call
        1000 model says "Goodbye."
        1000 caller speaks 1000 "Thanks, bye."
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call end_call call_1_1
    2590  answer call_1_1: {"ok":true}
    2590  tool end_call Ok after 10 ms
    2630  User: Thanks, bye.
    2630  store 1 User: Thanks, bye.
    2730  create response 2
    2930  play 2
    2930  -> Speaking
    3400  Assistant: Goodbye.
    3400  store 2 Assistant: Goodbye. [end_call] (430 + 150, 500 -> 930 ms)
    3400  end call: AgentHangup
    "#);
}

#[test]
fn tools_that_are_used_up_end_the_call_after_the_answer() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 at most 1 tools
        1000 model calls get_account get_account
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call get_account call_1_1
    2580  answer call_1_2: {"error":{"code":"limit_reached","message":"no more tools can be used in this call"}}
    2630  User: What plan?
    2630  store 1 User: What plan?
    2630  answer call_1_1: {"ok":true}
    2630  tool get_account Ok after 50 ms
    2730  create response 2
    2930  play 2
    2930  -> Speaking
    3820  Assistant: You are on Pro.
    3820  store 2 Assistant: You are on Pro. [get_account] (430 + 150, 500 -> 930 ms)
    3820  synthesise 3: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    3820  -> Listening
    3920  play 3
    3920  -> Speaking
    9490  Assistant: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  tell model: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  store 3 Assistant: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  end call: ToolLimit
    "#);
}

#[test]
fn a_tool_is_told_in_which_turn_it_is_called_and_one_without_an_answer_before_is_no_new_one() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool a takes 100
           0 tool b takes 100
        1000 model calls a
        1000 model hangs
        1000 caller speaks 1000 "Call me Grace."
        1000 model calls b
        1000 model says "Grace?"
        2900 caller speaks 1000 "Please do that."
        1000 model calls b
        1000 model says "Done."
        8000 caller speaks 1000 "Yes, that is right."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call a call_1_1
     2630  User: Call me Grace.
     2630  store 1 User: Call me Grace.
     2680  answer call_1_1: {"ok":true}
     2680  tool a Ok after 100 ms
     2730  create response 2
     2960  -> Listening
     3300  recognise sound 1: Please
     3450  recognise sound 2: Please
     3520  count Interruption
     4100  judge pause 2
     4440  commit audio
     4440  -> Thinking
     4640  User: Please do that.
     4640  store 2 User: Please do that.
     6730  create response 3
     6880  call b call_3_1
     6980  answer call_3_1: {"ok":true}
     6980  tool b Ok after 100 ms
     7030  create response 4
     7230  play 4
     7230  -> Speaking
     7580  Assistant: Grace?
     7580  store 3 Assistant: Grace? [b] (540 + 2440, 2790 -> 3330 ms)
     7580  -> Listening
     9200  judge pause 3
     9540  commit audio
     9540  create response 5
     9540  -> Thinking
     9690  call b call_5_1 in turn 2
     9740  User: Yes, that is right.
     9740  store 4 User: Yes, that is right.
     9790  answer call_5_1: {"ok":true}
     9790  tool b Ok after 100 ms
     9840  create response 6
    10040  play 6
    10040  -> Speaking
    10330  Assistant: Done.
    10330  store 5 Assistant: Done. [b] (540 + 150, 500 -> 1040 ms)
    10330  -> Listening
    12000  end call: UserHangup
    "#);
}

#[test]
fn a_call_that_is_handed_over_goes_on_and_is_handed_over_even_if_the_caller_speaks_on() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool person takes 2000 handing over
        1000 model calls person
        1000 caller speaks 1000 "I want to speak to a person."
        1000 model says "Somebody will get in touch."
        2700 caller speaks 1500 "No wait, I want a refund."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call person call_1_1
     2630  User: I want to speak to a person.
     2630  store 1 User: I want to speak to a person.
     2760  -> Listening
     3100  recognise sound 1: No
     3250  recognise sound 2: No wait,
     3320  count Interruption
     4400  judge pause 2
     4580  answer call_1_1: {"ok":true}
     4580  tool person Ok after 2000 ms
     4580  hand over: asked for it
     4700  commit audio
     4700  create response 2
     4700  -> Thinking
     4900  User: No wait, I want a refund.
     4900  store 2 User: No wait, I want a refund.
     4900  play 2
     4900  -> Speaking
     6510  Assistant: Somebody will get in touch.
     6510  store 3 Assistant: Somebody will get in touch. (500 + 200 -> 700 ms)
     6510  -> Listening
    12000  end call: UserHangup
    "#);
}
