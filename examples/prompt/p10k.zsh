# ~/.p10k.zsh: add `autocom` to POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or the right ones.
function prompt_autocom() {
  local segment
  segment=$(autocom prompt 2> /dev/null) || return 0
  [[ -z $segment ]] || p10k segment -f yellow -t "$segment"
}
