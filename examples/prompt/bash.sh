# ~/.bashrc: the profile and tenant in front of bash's prompt.
# PS1 only refers to the segment: what other tools (venv, conda) add to PS1 or take away stays as they want it.
autocom_prompt() {
  local exit_status=$?
  autocom_segment=$(autocom prompt --shell bash --color always 2> /dev/null) || autocom_segment=
  # In a variable, readline is told of colours by \001 and \002 in place of \[ and \].
  autocom_segment=${autocom_segment//\\[/$'\001'}
  autocom_segment=${autocom_segment//\\]/$'\002'}
  autocom_segment=${autocom_segment:+$autocom_segment }
  return "$exit_status"
}
if [[ ${PS1-} != *'${autocom_segment-}'* ]]; then
  PS1='${autocom_segment-}'${PS1-}
fi
if [[ " ${PROMPT_COMMAND[*]-} " != *[\ \;]autocom_prompt[\ \;]* ]]; then
  PROMPT_COMMAND="autocom_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
fi
