# ~/.config/fish/conf.d/autocom.fish: the profile and tenant at the right of fish's prompt.
function fish_right_prompt
    autocom prompt --shell fish --color always
end
