# Completions of autocom for PowerShell: run this, or see `autocom completions --help`.
Register-ArgumentCompleter -Native -CommandName autocom -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
    # The colon: older versions pass no empty argument on.
    autocom __complete powershell @words ":$wordToComplete" 2> $null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}
