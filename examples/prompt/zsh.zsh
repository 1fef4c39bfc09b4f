# ~/.zshrc: the profile and tenant in front of zsh's prompt.
autoload -Uz add-zsh-hook
autocom_plain_prompt=$PROMPT
autocom_prompt() {
  local segment
  segment=$(autocom prompt --shell zsh --color always)
  PROMPT="${segment:+$segment }$autocom_plain_prompt"
}
add-zsh-hook precmd autocom_prompt
