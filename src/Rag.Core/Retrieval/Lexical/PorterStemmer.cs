namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// M. F. Porter, An algorithm for suffix stripping, Program 14(3), 1980: the algorithm as published, with the two departures of its
/// author's own reference implementation (<c>abli → able</c> became <c>bli → ble</c>, and <c>logi → log</c> was added).
/// </summary>
internal static class PorterStemmer
{
    /// <summary>Stems a lower-case ASCII word in place.</summary>
    /// <returns>The stem's length.</returns>
    public static int Stem(Span<char> word)
    {
        if (word.Length <= 2)
        {
            return word.Length;
        }

        var stemmed = new Word(word);
        stemmed.Plurals();
        stemmed.PastAndProgressive();
        stemmed.FinalY();
        stemmed.DoubleSuffixes();
        stemmed.SimpleSuffixes();
        stemmed.BareSuffixes();
        stemmed.FinalE();
        return stemmed.Length;
    }

    // "Stem" below is what stands before the suffix that matched last.
    private ref struct Word(Span<char> letters)
    {
        private readonly Span<char> _letters = letters;
        private int _stem = letters.Length;

        public int Length { get; private set; } = letters.Length;

        // Step 1a
        public void Plurals()
        {
            if (_letters[Length - 1] != 's')
            {
                return;
            }

            if (EndsWith("sses") || EndsWith("ies"))
            {
                Length -= 2;
            }
            else if (_letters[Length - 2] != 's')
            {
                Length--;
            }
        }

        // Step 1b
        public void PastAndProgressive()
        {
            if (EndsWith("eed"))
            {
                if (Measure() > 0)
                {
                    Length--;
                }

                return;
            }

            if (!((EndsWith("ed") || EndsWith("ing")) && StemHasVowel()))
            {
                return;
            }

            Length = _stem;
            if (EndsWith("at") || EndsWith("bl") || EndsWith("iz"))
            {
                Append('e');
            }
            else if (EndsInDoubleConsonant(Length))
            {
                if (_letters[Length - 1] is not ('l' or 's' or 'z'))
                {
                    Length--;
                }
            }
            else
            {
                _stem = Length;
                if (Measure() == 1 && EndsInShortSyllable(Length))
                {
                    Append('e');
                }
            }
        }

        // Step 1c
        public void FinalY()
        {
            if (EndsWith("y") && StemHasVowel())
            {
                _letters[Length - 1] = 'i';
            }
        }

        // Step 2. The letter before the last decides which suffixes are possible, as the paper suggests.
        public void DoubleSuffixes()
        {
            if (Length < 3)
            {
                return;
            }

            _ = _letters[Length - 2] switch
            {
                'a' => Replace("ational", "ate") || Replace("tional", "tion"),
                'c' => Replace("enci", "ence") || Replace("anci", "ance"),
                'e' => Replace("izer", "ize"),
                'l' => Replace("bli", "ble")
                    || Replace("alli", "al")
                    || Replace("entli", "ent")
                    || Replace("eli", "e")
                    || Replace("ousli", "ous"),
                'o' => Replace("ization", "ize") || Replace("ation", "ate") || Replace("ator", "ate"),
                's' => Replace("alism", "al")
                    || Replace("iveness", "ive")
                    || Replace("fulness", "ful")
                    || Replace("ousness", "ous"),
                't' => Replace("aliti", "al") || Replace("iviti", "ive") || Replace("biliti", "ble"),
                'g' => Replace("logi", "log"),
                _ => false,
            };
        }

        // Step 3
        public void SimpleSuffixes() =>
            _ = _letters[Length - 1] switch
            {
                'e' => Replace("icate", "ic") || Replace("ative", "") || Replace("alize", "al"),
                'i' => Replace("iciti", "ic"),
                'l' => Replace("ical", "ic") || Replace("ful", ""),
                's' => Replace("ness", ""),
                _ => false,
            };

        // Step 4
        public void BareSuffixes()
        {
            if (Length < 3)
            {
                return;
            }

            var found = _letters[Length - 2] switch
            {
                'a' => EndsWith("al"),
                'c' => EndsWith("ance") || EndsWith("ence"),
                'e' => EndsWith("er"),
                'i' => EndsWith("ic"),
                'l' => EndsWith("able") || EndsWith("ible"),
                'n' => EndsWith("ant") || EndsWith("ement") || EndsWith("ment") || EndsWith("ent"),
                'o' => (EndsWith("ion") && _stem > 0 && _letters[_stem - 1] is 's' or 't') || EndsWith("ou"),
                's' => EndsWith("ism"),
                't' => EndsWith("ate") || EndsWith("iti"),
                'u' => EndsWith("ous"),
                'v' => EndsWith("ive"),
                'z' => EndsWith("ize"),
                _ => false,
            };
            if (found && Measure() > 1)
            {
                Length = _stem;
            }
        }

        // Step 5
        public void FinalE()
        {
            if (
                EndsWith("e")
                && (Measure() is var measure)
                && (measure > 1 || (measure == 1 && !EndsInShortSyllable(_stem)))
            )
            {
                Length--;
            }

            _stem = Length;
            if (_letters[Length - 1] == 'l' && EndsInDoubleConsonant(Length) && Measure() > 1)
            {
                Length--;
            }
        }

        private bool EndsWith(ReadOnlySpan<char> suffix)
        {
            if (!_letters[..Length].EndsWith(suffix))
            {
                return false;
            }

            _stem = Length - suffix.Length;
            return true;
        }

        /// <summary>True when the suffix matched, whether or not the stem was long enough to replace it: later rules do not apply then.</summary>
        private bool Replace(ReadOnlySpan<char> suffix, ReadOnlySpan<char> replacement)
        {
            if (!EndsWith(suffix))
            {
                return false;
            }

            if (Measure() > 0)
            {
                replacement.CopyTo(_letters[_stem..]);
                Length = _stem + replacement.Length;
            }

            return true;
        }

        private void Append(char letter) => _letters[Length++] = letter;

        private readonly bool IsConsonant(int i) =>
            _letters[i] switch
            {
                'a' or 'e' or 'i' or 'o' or 'u' => false,
                'y' => i == 0 || !IsConsonant(i - 1),
                _ => true,
            };

        /// <summary>The m of [C](VC)ᵐ[V].</summary>
        private readonly int Measure()
        {
            var measure = 0;
            var vowelBefore = false;
            for (var i = 0; i < _stem; i++)
            {
                var consonant = IsConsonant(i);
                if (consonant && vowelBefore)
                {
                    measure++;
                }

                vowelBefore = !consonant;
            }

            return measure;
        }

        private readonly bool StemHasVowel()
        {
            for (var i = 0; i < _stem; i++)
            {
                if (!IsConsonant(i))
                {
                    return true;
                }
            }

            return false;
        }

        private readonly bool EndsInDoubleConsonant(int length) =>
            length >= 2 && _letters[length - 1] == _letters[length - 2] && IsConsonant(length - 1);

        /// <summary>Consonant, vowel, consonant other than w, x, y: as in <c>hop</c>.</summary>
        private readonly bool EndsInShortSyllable(int length) =>
            length >= 3
            && IsConsonant(length - 3)
            && !IsConsonant(length - 2)
            && IsConsonant(length - 1)
            && _letters[length - 1] is not ('w' or 'x' or 'y');
    }
}
