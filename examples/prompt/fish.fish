# ~/.config/fish/conf.d/autocom.fish: the profile and tenant at the right of fish's prompt, in front of what was there.
if functions -q fish_right_prompt; and not functions -q autocom_other_right_prompt
    functions -c fish_right_prompt autocom_other_right_prompt
end
function fish_right_prompt
    set -l exit_status $status
    command -q autocom; and echo -n (autocom prompt --shell fish --color always 2> /dev/null)
    functions -q autocom_other_right_prompt; or return $exit_status
    echo -n ' '
    autocom_other_right_prompt
end
