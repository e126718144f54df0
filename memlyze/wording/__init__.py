"""How people are told what the analyses find: the words, units and error bars of every output."""
