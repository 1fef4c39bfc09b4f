# ~/.p10k.zsh: add `autocom` to POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or the right ones.
function prompt_autocom() {
  local segment
  segment=$(autocom prompt)
  [[ -n $segment ]] && p10k segment -f yellow -t "$segment"
}
