# Completions of autocom for fish: source this, or see `autocom completions --help`.
complete --command autocom --no-files --keep-order --arguments '(autocom __complete fish (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor) 2> /dev/null)'
