{ here = baseNameOf (toString ./.); }
