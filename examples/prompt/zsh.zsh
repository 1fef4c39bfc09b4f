# ~/.zshrc: the profile and tenant in front of zsh's prompt.
# PROMPT only refers to the segment: what other tools (venv, conda) add to PROMPT or take away stays as they want it.
autoload -Uz add-zsh-hook
setopt prompt_subst
autocom_prompt() {
  local exit_status=$?
  autocom_segment=$(autocom prompt --shell zsh --color always 2> /dev/null) || autocom_segment=
  autocom_segment=${autocom_segment:+$autocom_segment }
  return $exit_status
}
if [[ ${PROMPT-} != *'${autocom_segment-}'* ]]; then
  PROMPT='${autocom_segment-}'${PROMPT-}
fi
add-zsh-hook precmd autocom_prompt
