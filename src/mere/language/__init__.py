"""The formula language: text → syntax tree → terms and random-effects bars; never ``eval``.

``lexer`` and ``parser`` read text, ``syntax`` holds the tree and writes it as R would,
``algebra`` expands terms, ``bars`` the random effects, ``formulas`` joins them to a `Formula`,
``evaluate`` gives expressions values with the registry of ``functions``; ``updating`` changes
formulas.
"""
