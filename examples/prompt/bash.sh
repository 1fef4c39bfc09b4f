# ~/.bashrc: the profile and tenant in front of bash's prompt.
# PS1 is set anew before every prompt: what bash is told of colours (\[ \]) counts in PS1 itself only.
autocom_plain_ps1=$PS1
autocom_prompt() {
  local segment
  segment=$(autocom prompt --shell bash --color always)
  PS1="${segment:+$segment }$autocom_plain_ps1"
}
PROMPT_COMMAND="autocom_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
